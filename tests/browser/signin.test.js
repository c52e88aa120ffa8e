// Signing in to the console at an identity provider: a real one, which is a process of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import axe from 'axe-core';
import { freePort } from '../server.mjs';
import { keep, places, rows, suite } from './console.js';
import { eventually } from './playground.js';
import { query } from './server.js';

/** Starts the issuer, whose access tokens are good for so many seconds. */
async function startIssuer(port, redirectURI, seconds = 3600) {
  const script = path.join(import.meta.dirname, 'issuer.mjs');
  const child = spawn(process.execPath, [script, String(port), redirectURI, String(seconds)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  const [text] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (!String(text).includes('ready')) throw new Error(`the issuer has not begun: ${text}`);
  child.stdout.resume();
  return { stop };
}

const kept = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));

for (const { name: database, startGuarded } of places) describe(`Signing in to the console on ${database}`, { timeout: 300_000 }, () => {
  let port;
  let issuer;
  const server = suite(async () => {
    port = await freePort();
    return startGuarded({
      SAMJOURNAL_OIDC_ISSUERS: `http://127.0.0.1:${port}`,
      SAMJOURNAL_OIDC_AUDIENCES: 'journal',
      SAMJOURNAL_OIDC_SKEW: '0s',
      SAMJOURNAL_CONSOLE_OIDC_CLIENT_ID: 'console',
      SAMJOURNAL_CONSOLE_OIDC_SCOPES: 'openid,offline_access,journal',
      SAMJOURNAL_CONSOLE_OIDC_PARAMETERS: 'resource=urn:journal',
    });
  });
  const restart = async (seconds) => {
    await issuer?.stop();
    issuer = await startIssuer(port, `${server.url}/`, seconds);
  };
  before(() => restart());
  after(() => issuer?.stop());

  const leave = (page) => page.getByRole('button', { name: `Sign in at 127.0.0.1:${port}` }).click();
  const enter = async (page, name) => {
    await leave(page);
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Let me in' }).click();
  };

  test('goes to the issuer and back to what was looked at, and keeps nothing', async (t) => {
    const { page, problems, response } = await server.visit(t, { address: '/?thing=PLUGIN' });
    assert.match(response.headers()['content-security-policy'], new RegExp(`connect-src 'self' http://127.0.0.1:${port} ws:`));
    await page.getByLabel('API token or JWT').waitFor();
    await keep(page, 'console-sign-in');
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id), []);
    await enter(page, 'alice');
    await rows(page).first().waitFor();
    assert.equal(page.url(), `${server.url}/?thing=PLUGIN`);
    const storage = await kept(page);
    assert.doesNotMatch(storage, /eyJ|verifier|code=/);
    assert.deepEqual(problems.filter((problem) => !/\b40[14]\b/.test(problem)), []);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: `Sign in at 127.0.0.1:${port}` }).waitFor();
  });

  test('says why somebody is not let in', async (t) => {
    const { page } = await server.visit(t);
    await leave(page);
    await page.getByRole('button', { name: 'Rather not' }).click();
    await page.getByRole('alert').filter({ hasText: 'They would rather not.' }).waitFor();
    assert.equal(page.url(), `${server.url}/`);
    await enter(page, 'nobody');
    await page.getByText('names no role').waitFor();
  });

  test('takes no answer that it has not asked for', async (t) => {
    const { page } = await server.visit(t, { address: `/?code=stolen&state=made-up&iss=http://127.0.0.1:${port}` });
    await page.getByRole('alert').filter({ hasText: 'was not begun here' }).waitFor();
    assert.equal(page.url(), `${server.url}/`);
    await leave(page);
    await page.getByLabel('Name').waitFor();
    await page.goto(`${server.url}/?code=stolen&state=made-up&iss=http://127.0.0.1:${port}`);
    await page.getByRole('alert').filter({ hasText: 'Signing in has failed' }).waitFor();
    assert.doesNotMatch(await kept(page), /verifier/);
  });

  test('renews its token while the page is open, and what is read stays', async (t) => {
    await restart(4);
    t.after(() => restart());
    const { page } = await server.visit(t);
    await enter(page, 'bob');
    await rows(page).first().waitFor();
    const scroller = page.locator('.scroller');
    await scroller.evaluate((element) => element.scrollTo({ top: 800 }));
    const renewals = [];
    page.on('response', (answer) => {
      if (answer.url() === `http://127.0.0.1:${port}/token`) renewals.push(answer.status());
    });
    await eventually('two renewals', () => renewals.length, (count) => count >= 2);
    assert.ok(renewals.every((status) => status === 200), `${renewals}`);
    assert.equal(await scroller.evaluate((element) => element.scrollTop), 800);
    const token = await server.token('writer');
    const create = 'mutation { createEntry(input: {request: null, response: null}) { position } }';
    await query(server.url, create, {}, { authorization: `Bearer ${token}` });
    await page.getByRole('button', { name: '1 new entry' }).waitFor();
  });

  test('asks again when the token cannot be renewed, and takes tokens while the issuer is down', async (t) => {
    await restart(2);
    t.after(() => restart());
    const { page } = await server.visit(t);
    await enter(page, 'carol');
    await rows(page).first().waitFor();
    await issuer.stop();
    await page.getByLabel('API token or JWT').waitFor();
    await page.getByLabel('API token or JWT').fill(await server.token('auditor'));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await rows(page).first().waitFor();
  });
});
