// The Playground on a server that wants a token.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, launchBrowser, Playground } from './playground.js';
import { startServer } from '../server.mjs';

describe('The Playground on a server that wants a token', { timeout: 300_000 }, () => {
  let server;
  let browser;

  before(async () => {
    browser = await launchBrowser();
    server = await startServer({ env: { SAMJOURNAL_AUTH: 'required' } }).catch(async (error) => {
      await browser.close();
      throw error;
    });
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function visit(t) {
    const context = await browser.newContext();
    t.after(() => context.close());
    return Playground.open(context, server.url);
  }

  const field = ({ page }) => page.getByLabel('API token or JWT');

  async function use(playground, token) {
    await field(playground).fill(token);
    await playground.page.getByRole('button', { name: 'Use', exact: true }).click();
  }

  const ask = async (playground, query) => {
    await playground.write('operation.graphql', query);
    await playground.press();
  };

  test('says that it needs one and how to get it', async (t) => {
    const playground = await visit(t);
    await playground.page.getByText('This server needs a token, and none is set.').waitFor();
    await playground.page.getByText('samjournal token create --account=default').waitFor();
  });

  test('says that a token is wrong', async (t) => {
    const playground = await visit(t);
    await use(playground, 'sjt_wrong');
    await playground.page.getByText('The server refuses this token (401)').waitFor();
  });

  test('works with a token, which is kept in memory alone', async (t) => {
    const token = await server.token('auditor', { name: 'kept' });
    const playground = await visit(t);
    await use(playground, token);
    await playground.page.getByRole('button', { name: 'auditor in default' }).waitFor();
    await ask(playground, '{ viewer { role } }');
    assert.deepEqual((await playground.result((result) => result.data?.viewer)).data, { viewer: { role: 'AUDITOR' } });

    const stored = await playground.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.ok(!stored.includes(token), 'it is stored nowhere');
    assert.ok(!playground.page.url().includes(token));
    await playground.page.reload();
    await playground.page.getByText('This server needs a token, and none is set.').waitFor();
  });

  test('says when a token is revoked, and does not connect again', async (t) => {
    const token = await server.token('auditor', { name: 'revoked' });
    const playground = await visit(t);
    let connections = 0;
    playground.page.on('websocket', () => {
      connections += 1;
    });
    await use(playground, token);
    await playground.page.getByRole('button', { name: 'auditor in default' }).waitFor();
    await ask(playground, 'subscription { entryCreated { node { position } } }');
    await eventually('a connection', () => connections, (n) => n === 1);
    await server.revoke('revoked');
    await playground.page.getByText('The server no longer accepts this token (401)').waitFor();
    await playground.page.waitForTimeout(3_000);
    assert.equal(connections, 1);
  });
});
