// The Playground in a real browser, against a real server.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLine } from '../line.mjs';
import { eventually, launchBrowser, Playground } from './playground.js';
import { query, startServer } from './server.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const screenshots = process.env.SCREENSHOT_DIR ?? path.join(here, '../../test-results/browser');
const size = { width: 1280, height: 800 };

const createOne = `mutation ($input: CreateEntryInput!) {
  createEntry(input: $input) { key position }
}`;

async function append(url, input = {}) {
  const variables = { input: { username: 'carol', thing: 'ACCOUNT', command: 'GET', request: {}, response: null, ...input } };
  return (await query(url, createOne, variables)).createEntry;
}

const positions = ({ data }) => data.entries.edges.map(({ node }) => node.position);

function assertNewestFirst(numbers) {
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => b - a));
}

describe('Playground', { timeout: 300_000 }, () => {
  let server;
  let browser;

  before(async () => {
    browser = await launchBrowser();
    server = await startServer().catch(async (error) => {
      await browser.close();
      throw error;
    });
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** A visitor who was never here, with nothing stored in the browser. */
  async function visitor(t, options = {}) {
    const context = await browser.newContext({ viewport: size, ...options });
    t.after(() => context.close());
    return context;
  }

  test('is ours, asks nothing of other machines and reports no error', async (t) => {
    const playground = await Playground.open(await visitor(t), server.url);
    const { page, response } = playground;
    assert.equal(await page.title(), 'samjournal Playground');
    assert.match(await page.locator('.graphiql-logo').innerText(), /samjournal$/);
    assert.match(response.headers()['content-security-policy'] ?? '', /default-src 'self'/);

    const icon = await page.locator('link[rel="icon"]').evaluate((link) => link.href);
    const answer = await page.request.get(icon);
    assert.equal(answer.status(), 200);
    assert.match(answer.headers()['content-type'], /^image\/svg\+xml/);

    // The editors' workers and the documentation are loaded late, and count too.
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Subscription' }).waitFor();
    assert.deepEqual(playground.problems, []);
  });

  test('runs a starter query and shows the newest entries', async (t) => {
    const playground = await Playground.open(await visitor(t), server.url);
    const result = await playground.run();
    const nodes = result.data.entries.edges.map(({ node }) => node);
    assert.equal(nodes.length, 10);
    assert.equal(nodes[0].position, result.data.entries.totalCount - 1);
    assertNewestFirst(positions(result));
    await eventually('the newest summary on the screen', () => playground.shown(), (text) => text.includes(nodes[0].summary));
    assert.deepEqual(playground.problems, []);
  });

  test('has starters that all work', async (t) => {
    const playground = await Playground.open(await visitor(t), server.url);
    const titles = await playground.tabs();
    assert.deepEqual(titles, ['NewestEntries', 'FilteredPages', 'CreateEntry', 'NewEntries', 'OneEntry', 'WhoAmI']);
    for (const title of titles.filter((name) => name !== 'NewEntries')) {
      await playground.tab(title);
      assert.match(await playground.text('operation.graphql'), /^# /, `${title} says what it does`);
      const result = await playground.run();
      assert.equal(result.errors, undefined, title);
      for (const [field, value] of Object.entries(result.data)) assert.notEqual(value, null, `${title}: ${field}`);
    }
    assert.deepEqual(playground.problems, []);
  });

  test('turns pages with after, under a filter', async (t) => {
    const playground = await Playground.open(await visitor(t), server.url);
    await playground.tab('FilteredPages');
    const seen = positions(await playground.run());
    for (let turned = 0; turned < 3; turned++) {
      const { endCursor } = (await playground.result()).data.entries.pageInfo;
      const page = await playground.turnPage();
      assert.equal(JSON.parse(await playground.text('variables.json')).after, endCursor);
      assert.equal(page.data.entries.edges.length, 5);
      seen.push(...positions(page));
    }
    assertNewestFirst(seen);
    const matching = await query(
      server.url,
      '{ entries(first: 20, where: { commandNEQ: PROMPT, statusCodeLT: 400 }) { edges { node { position } } } }',
    );
    assert.deepEqual(seen, positions({ data: matching }));
    assert.deepEqual(playground.problems, []);
  });

  test('shows an entry created in one browser tab in a subscription in another', async (t) => {
    const context = await visitor(t);
    const reading = await Playground.open(context, server.url);
    const writing = await Playground.open(context, server.url);

    await reading.tab('NewEntries');
    await reading.press();
    await reading.status().getByText('Connected').waitFor();

    await writing.page.bringToFront();
    await writing.tab('CreateEntry');
    const { createEntry } = (await writing.run()).data;
    assert.equal(createEntry.created, true);
    assert.deepEqual(createEntry.entry.redactedPaths, ['/request/headers/Authorization']);

    await reading.page.bringToFront();
    const { node } = (await reading.result()).data.entryCreated;
    assert.equal(node.position, createEntry.position);
    assert.equal(node.summary, createEntry.entry.summary);
    await eventually('the summary on the screen', () => reading.shown(), (text) => text.includes(node.summary));
    assert.deepEqual(await reading.arrivals(), [`#${node.position} ${node.summary} (${node.statusCode})`]);
    assert.deepEqual([...reading.problems, ...writing.problems], []);
  });

  test('says that the connection is lost, finds it again by itself and misses nothing', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const playground = await Playground.open(await visitor(t), line.url);
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    const first = await append(server.url);
    await playground.result(({ data }) => data.entryCreated.node.position >= 0);

    await line.cut();
    await playground.status().getByText('Connection lost').waitFor();
    await playground.status().getByText('attempt 2').waitFor();
    const missed = [await append(server.url), await append(server.url)];
    await line.mend();
    await playground.status().getByText('Connected').waitFor();
    const live = await append(server.url);

    const wanted = [live, ...missed.reverse(), first].map(({ position }) => position);
    const arrived = async () => (await playground.arrivals()).map((text) => Number(/^#(\d+)/.exec(text)[1]));
    await eventually('every entry', arrived, (numbers) => numbers.length >= wanted.length);
    assert.deepEqual(await arrived(), wanted);
    await playground.status().getByText('4 results').waitFor();
  });

  test('says that entries may be missing when it has no cursor to resume at', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const playground = await Playground.open(await visitor(t), line.url);
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    const warning = playground.page.getByText('entries created meanwhile are not shown');
    assert.equal(await warning.count(), 0);
    await line.cut();
    await playground.status().getByText('Connection lost').waitFor();
    await line.mend();
    await warning.waitFor();
  });

  test('stops a subscription that waits for its connection, and starts it again', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const playground = await Playground.open(await visitor(t), line.url);
    await playground.tab('NewEntries');
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    await line.cut();
    await playground.status().getByText('Connection lost').waitFor();
    await playground.press();
    await playground.status().waitFor({ state: 'detached' });
    await line.mend();
    await playground.press();
    await playground.status().getByText('Connected').waitFor();
    const { position } = await append(server.url);
    await playground.result(({ data }) => data.entryCreated.node.position >= 0);
    assert.equal((await playground.arrivals()).length, 1);
    assert.equal((await playground.result()).data.entryCreated.node.position, position);
    await playground.tab('WhoAmI');
    await playground.status().waitFor({ state: 'detached' });
  });

  test('says that the server does not answer', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const playground = await Playground.open(await visitor(t), line.url);
    await line.cut();
    const { errors } = await playground.run();
    assert.match(errors[0].message, /^No answer from .*\/graphql\. Is samjournal running\?$/);
  });

  test('keeps the tabs of a visitor', async (t) => {
    const context = await visitor(t);
    const playground = await Playground.open(context, server.url);
    await playground.write('operation.graphql', 'query Mine { viewer { role } }');
    await eventually('the tab to be named', () => playground.tabs(), ([title]) => title === 'Mine');
    const stored = () => playground.page.evaluate(() => localStorage.getItem('samjournal:graphiql:tabState') ?? '');
    await eventually('the tab to be stored', stored, (text) => text.includes('query Mine'));

    const again = await Playground.open(context, server.url);
    assert.equal((await again.tabs())[0], 'Mine');
    assert.equal((await again.tabs()).length, 6);
    const names = await again.page.evaluate(() => Object.keys(localStorage));
    assert.deepEqual(names.filter((name) => !name.startsWith('samjournal:')), []);
    assert.deepEqual([...playground.problems, ...again.problems], []);
  });

  test('shows the numbers of a payload digit by digit', async (t) => {
    const number = '12345678901234567890';
    const input = `{"input": {"request": {"exact": ${number}}, "response": null}}`;
    const { key } = (await query(server.url, createOne, input)).createEntry;
    const playground = await Playground.open(await visitor(t), server.url);
    await playground.tab('OneEntry');
    await playground.write('variables.json', JSON.stringify({ key }));
    await playground.run();
    assert.match(await playground.text('response.json'), new RegExp(`"exact": ${number}\\b`));
    assert.deepEqual(playground.problems, []);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`is drawn in ${colorScheme} colours`, async (t) => {
      const playground = await Playground.open(await visitor(t, { colorScheme }), server.url);
      await playground.run();
      const container = playground.page.locator('.graphiql-container');
      const background = await container.evaluate((element) => getComputedStyle(element).backgroundColor);
      const [red] = /\d+/.exec(background);
      assert.equal(Number(red) > 127, colorScheme === 'light', background);
      await mkdir(screenshots, { recursive: true });
      await playground.page.screenshot({ path: path.join(screenshots, `playground-${colorScheme}.png`) });
      assert.deepEqual(playground.problems, []);
    });
  }
});
