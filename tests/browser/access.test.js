// The Playground of a server for which everybody needs a token, in a real browser.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, launchBrowser, Playground } from './playground.js';
import { query, startGuardedServer, startServer } from './server.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const screenshots = process.env.SCREENSHOT_DIR ?? path.join(here, '../../test-results/browser');
const create = 'mutation ($input: CreateEntryInput!) { createEntry(input: $input) { position } }';
const command = 'samjournal token create --account=default --role=auditor --name=playground';
const wrong = `sjt_${'a'.repeat(70)}`;

/** What a page does wrong beside being refused, which is what these tests are about. */
const unexpected = ({ problems }) => problems.filter((text) => !/\b401\b/.test(text));

describe('Playground where a token is needed', { timeout: 300_000 }, () => {
  let server;
  let browser;
  let writer;

  before(async () => {
    browser = await launchBrowser();
    server = await startGuardedServer();
    writer = await server.token('writer');
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** The Playground as who was never here finds it, and the requests and connections to the API, counted. */
  async function visit(t, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    t.after(() => context.close());
    const api = { requests: [], sockets: [] };
    context.on('request', (request) => request.url().endsWith('/graphql') && api.requests.push(request));
    context.on('page', (page) => page.on('websocket', (socket) => api.sockets.push(socket)));
    return { context, api, playground: await Playground.open(context, server.url) };
  }

  /** The Playground with a token of its own, which is named after the test. */
  async function enter(t, role = 'auditor') {
    const token = await server.token(role, { name: t.name.slice(0, 100) });
    const visited = await visit(t);
    await visited.playground.useToken(token);
    await visited.playground.access().waitFor({ state: 'hidden' });
    return { ...visited, token };
  }

  async function append() {
    const input = { username: 'carol', thing: 'ACCOUNT', command: 'GET', request: {}, response: null };
    return (await query(server.url, create, { input }, { authorization: `Bearer ${writer}` })).createEntry;
  }

  test('says that a token is needed and how to get one, with a command to copy', async (t) => {
    const { playground, context, api } = await visit(t);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await playground.access().getByRole('alert').getByText('This server needs a token').waitFor();
    await playground.accessButton('Token needed').waitFor();
    assert.ok(await playground.tokenField().evaluate((field) => field === document.activeElement));
    await playground.access().getByText(command).waitFor();
    await playground.access().getByRole('button', { name: 'Copy' }).click();
    await playground.access().getByText('Copied').waitFor();
    assert.equal(await playground.page.evaluate(() => navigator.clipboard.readText()), command);
    assert.equal(api.requests.length, 1, 'it has asked once, and not for a schema that it may not see');
    assert.deepEqual(unexpected(playground), []);
  });

  test('says so again when something is run all the same', async (t) => {
    const { playground } = await visit(t);
    const { errors } = await playground.run();
    assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED');
    await playground.accessButton('Token needed').waitFor();
    assert.deepEqual(unexpected(playground), []);
  });

  test('says that a token is wrong, and asks no more by itself', async (t) => {
    const { playground, api } = await visit(t);
    await playground.useToken(wrong);
    await playground.access().getByRole('alert').getByText('refuses this token (401)').waitFor();
    await playground.accessButton('Token refused').waitFor();
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('The server ended the subscription').waitFor();
    assert.match(await playground.text('response.json'), /4401/);
    const asked = [api.requests.length, api.sockets.length];
    await delay(1500); // a client that tries again does so within a second
    assert.deepEqual([api.requests.length, api.sockets.length], asked);
    assert.equal(api.sockets.length, 1);
    assert.deepEqual(unexpected(playground), []);
  });

  test('says what is wrong with what no token can be, and sends nothing', async (t) => {
    const { playground, api } = await visit(t);
    const asked = api.requests.length;
    await playground.useToken('sjt_ two words');
    await playground.access().getByText('A token has no spaces').waitFor();
    await playground.useToken('', 'Not A Slug');
    await playground.access().getByText('An account is named by its slug').waitFor();
    assert.equal(api.requests.length, asked);
  });

  test('with a token runs queries, knows the schema and says who the viewer is', async (t) => {
    const { playground } = await enter(t);
    await playground.accessButton('auditor in default').waitFor();
    const { data } = await playground.run();
    assert.equal(data.entries.edges.length, 10);
    const documentation = await playground.documentation();
    await documentation.getByRole('link', { name: 'Subscription' }).waitFor();
    assert.deepEqual(unexpected(playground), []);
  });

  test('takes a whole header for a token', async (t) => {
    const { playground } = await visit(t);
    await playground.useToken(`Authorization: Bearer ${await server.token('auditor')} `);
    await playground.accessButton('auditor in default').waitFor();
  });

  test('reads the schema again whenever the token changes', async (t) => {
    const { playground, api } = await enter(t);
    const schemas = () => api.requests.filter((request) => request.postData().includes('IntrospectionQuery')).length;
    await eventually('the first schema', schemas, (count) => count === 1);
    await playground.accessButton('auditor in default').click();
    await playground.useToken(await server.token('reader', { user: 'alice' }));
    await playground.accessButton('reader in default as alice').waitFor();
    await eventually('the second schema', schemas, (count) => count === 2);
    assert.deepEqual(unexpected(playground), []);
  });

  test('shows live entries by a subscription, and goes on by another token without a gap', async (t) => {
    const { playground, api } = await enter(t);
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    const first = await append();
    await playground.result(({ data }) => data.entryCreated.node.position === first.position);
    await playground.accessButton('auditor in default').click();
    await playground.useToken(await server.token('admin'));
    await playground.accessButton('admin in default').waitFor();
    const second = await append();
    await playground.result(({ data }) => data.entryCreated.node.position === second.position);
    assert.equal((await playground.arrivals()).length, 2);
    assert.equal(api.sockets.length, 2);
    assert.deepEqual(unexpected(playground), []);
  });

  test('says clearly that the token of a running subscription was revoked, and does not connect again', async (t) => {
    const { playground, api } = await enter(t);
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    await server.revoke(t.name.slice(0, 100));
    await playground.access().getByRole('alert').getByText('no longer accepts this token').waitFor();
    await playground.status().getByText('The server ended the subscription').waitFor();
    const asked = [api.requests.length, api.sockets.length];
    await delay(1500); // a client that tries again does so within a second
    assert.deepEqual([api.requests.length, api.sockets.length], asked);
    assert.equal(api.sockets.length, 1);
    assert.deepEqual(unexpected(playground), []);
  });

  test('lets an operator choose the account, and says when there is none', async (t) => {
    await server.account('acme');
    const { playground } = await enter(t, 'operator');
    await playground.accessButton('operator in default').click();
    await playground.useToken(await playground.tokenField().inputValue(), 'acme');
    await playground.accessButton('operator in acme').waitFor();
    assert.equal((await playground.run()).data.entries.totalCount, 0);
    await playground.accessButton('operator in acme').click();
    await playground.useToken(await playground.tokenField().inputValue(), 'nobody');
    await playground.access().getByRole('alert').getByText('names no account').waitFor();
  });

  test('keeps a token nowhere: a reload has forgotten it, and so has every storage', async (t) => {
    const { context, playground, api, token } = await enter(t);
    await playground.run();
    await playground.accessButton('auditor in default').click();
    assert.equal(await playground.tokenField().inputValue(), token);
    const tabs = () => playground.page.evaluate(() => localStorage.getItem('samjournal:graphiql:tabState') ?? '');
    await eventually('the tabs to be stored', tabs, (text) => text.includes('NewestEntries'));
    const stored = async () => ({
      ...(await playground.page.evaluate(async () => ({
        local: { ...localStorage },
        session: { ...sessionStorage },
        cookie: document.cookie,
        address: [location.href, JSON.stringify(history.state)],
        databases: (await indexedDB.databases()).map(({ name }) => name),
        caches: await caches.keys(),
      }))),
      context: await context.storageState({ indexedDB: true }),
    });
    const before = await stored();
    assert.ok(!JSON.stringify(before).includes(token.slice(4, 20)), 'no part of the token is stored');
    assert.deepEqual([before.session, before.cookie, before.databases, before.caches], [{}, '', [], []]);
    assert.ok(api.requests.every((request) => !request.url().includes('sjt_')));

    await playground.page.reload();
    await playground.access().getByText('This server needs a token').waitFor();
    assert.equal(await playground.tokenField().inputValue(), '');
    await playground.page.goBack();
    await playground.page.goForward();
    await playground.access().getByText('This server needs a token').waitFor();
    assert.equal(await playground.tokenField().inputValue(), '');
  });

  test('forgets the token at the press of a button', async (t) => {
    const { playground } = await enter(t);
    await playground.accessButton('auditor in default').click();
    await playground.access().getByRole('button', { name: 'Forget' }).click();
    await playground.access().getByText('This server needs a token').waitFor();
    assert.equal((await playground.run()).errors[0].extensions.code, 'UNAUTHENTICATED');
  });

  test('has no editor for headers, which GraphiQL would store', async (t) => {
    const { playground } = await enter(t);
    await playground.page.getByRole('button', { name: 'Variables' }).waitFor();
    assert.equal(await playground.page.getByRole('button', { name: 'Headers' }).count(), 0);
    await playground.page.getByRole('button', { name: 'Open settings dialog' }).click();
    await playground.page.getByRole('dialog').getByText('Theme').first().waitFor();
    assert.equal(await playground.page.getByText('Persist headers').count(), 0);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`can be used on a telephone, in ${colorScheme} colours`, async (t) => {
      const { playground } = await visit(t, { viewport: { width: 360, height: 740 }, colorScheme });
      const { page } = playground;
      await mkdir(screenshots, { recursive: true });
      await page.screenshot({ path: path.join(screenshots, `access-${colorScheme}.png`) });
      const background = await playground.access().evaluate((element) => getComputedStyle(element).backgroundColor);
      assert.equal(Number(/\d+/.exec(background)[0]) > 127, colorScheme === 'light', background);
      await playground.useToken(await server.token('auditor'));
      const button = playground.accessButton('auditor in default');
      await button.waitFor();
      const inside = ({ x, width }) => x >= 0 && x + width <= 360;
      assert.ok(inside(await button.boundingBox()));
      await playground.run();
      assert.ok(inside(await page.locator('.graphiql-response').boundingBox()));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
      assert.deepEqual(unexpected(playground), []);
    });
  }
});

test('The Playground of a server that needs no token asks for none', async (t) => {
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const server = await startServer();
  t.after(() => server.stop());
  const playground = await Playground.open(await browser.newContext(), server.url);
  assert.equal(await playground.tokenField().count(), 0);
  await playground.accessButton('Token').click();
  await playground.access().getByText('This server needs no token').waitFor();
  await playground.useToken(wrong);
  await playground.access().getByRole('alert').getByText('refuses this token').waitFor();
  await playground.access().getByRole('button', { name: 'Forget' }).click();
  await playground.access().waitFor({ state: 'hidden' });
  assert.equal((await playground.run()).data.entries.edges.length, 10);
  assert.deepEqual(unexpected(playground), []);
});
