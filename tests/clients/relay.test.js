// Relay: relay-compiler on the schema, and its compiled components against the server.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { append, idsOf, onEachDatabase, run } from './journal.js';
import { compile, load } from './relay/build.js';
import { mount, pressToTheEnd } from './react.js';

// Relay keeps for five minutes what a component might want again, and would keep this process as long.
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = setTimeout(callback, delay, ...rest);
  return delay < 60_000 ? timer : timer.unref();
};

const require = createRequire(import.meta.url);
const { createElement: h, Suspense } = require('react');
const { RelayEnvironmentProvider } = require('react-relay');
const { Environment, fetchQuery, Network, Observable, RecordSource, Store } = require('relay-runtime');

function environmentOf(url, client) {
  const requests = [];
  const environment = new Environment({
    network: Network.create(
      async ({ text: query }, variables) => {
        requests.push(variables);
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        return response.json();
      },
      ({ text: query, name: operationName }, variables) =>
        Observable.create((sink) => client.subscribe({ query, operationName, variables }, sink)),
    ),
    store: new Store(new RecordSource()),
  });
  return { environment, requests };
}

describe('relay-compiler', () => {
  test('gives types without any, scalars mapped as the schema says', async () => {
    const { texts } = await compile(await run(['schema']), 'typescript');
    const entry = texts.get('entriesEntry_entry.graphql.ts');
    assert.match(entry, /readonly position: number;/);
    assert.match(entry, /readonly request: unknown \| null;/);
    assert.match(texts.get('entriesListPaginationQuery.graphql.ts'), /cursor\?: string \| null;/);
    for (const [name, text] of texts) {
      // What follows the types is the compiler's own, with its own casts.
      const [types] = text.split(/^const node\b/m);
      assert.doesNotMatch(types, /\bany\b/, name);
    }
  });
});

onEachDatabase('Relay', (start) => {
  let server;
  let components;
  let client;
  before(async () => {
    server = await start();
    client = createClient({ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    components = await load(await run(['schema']));
  });
  after(async () => {
    await client?.dispose();
    await server?.stop();
  });

  /** Shows an element in an application of its own. */
  async function show(t, element) {
    const { environment, requests } = environmentOf(server.url, client);
    const within = (inner) => h(RelayEnvironmentProvider, { environment }, h(Suspense, { fallback: null }, inner));
    const screen = mount(t, within(element));
    await screen.until('the first page', () => screen.ids().length > 0);
    return { screen, requests, update: (inner) => screen.show(within(inner)) };
  }

  test('loads page after page with usePaginationFragment until all entries are there, in order', async (t) => {
    const { screen, requests } = await show(t, h(components.Newest));
    const pages = await pressToTheEnd(screen);
    assert.ok(pages > 3);
    assert.deepEqual(requests.slice(1).map(({ count }) => count), Array(pages - 1).fill(60));
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('loads page after page backwards with loadPrevious', async (t) => {
    const { screen } = await show(t, h(components.Oldest));
    assert.ok((await pressToTheEnd(screen)) > 3);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('neither repeats nor misses an entry when others are appended between two pages', async (t) => {
    const wanted = await idsOf(server.url);
    const { screen } = await show(t, h(components.Newest));
    await append(server.url, 7);
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), wanted);
  });

  test('refetches the list under a filter and pages on in it', async (t) => {
    const { screen } = await show(t, h(components.Newest));
    screen.press('filter');
    const wanted = await idsOf(server.url, { thing: 'PROMPT' });
    await screen.until('the filtered page', () => screen.ids()[0] === wanted[0]);
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), wanted);
  });

  test('refetches an entry through node(id:)', async (t) => {
    const { screen, requests } = await show(t, h(components.Newest));
    const [id] = screen.ids();
    const before = requests.length;
    screen.item(id).onClick();
    await screen.until('the answer', () => requests.length > before && screen.ids().length > 0);
    assert.deepEqual(requests.at(-1), { id });
    assert.equal(screen.ids()[0], id);
  });

  test('shows a created entry at the top through @prependEdge, once', async (t) => {
    const { screen, update } = await show(t, h(components.Newest));
    const shown = screen.ids().length;
    const { connection } = screen.section();
    update(h(components.Newest, null, () => h(components.Form, { connection })));
    await screen.until('the form', () => screen.button('create'));
    screen.press('create');
    await screen.until('the entry', () => screen.ids().length > shown);
    assert.deepEqual(screen.ids(), (await idsOf(server.url)).slice(0, shown + 1));
  });

  test('shows arriving entries at the top, none missed since the page', async (t) => {
    const { screen, update } = await show(t, h(components.Newest));
    const shown = screen.ids().length;
    const { connection } = screen.section();
    await append(server.url, 3);
    update(h(components.Newest, null, (after) => h(components.Arrivals, { after, connection })));
    await screen.until('the entries since the page', () => screen.ids().length === shown + 3);
    await append(server.url, 2);
    await screen.until('the live entries', () => screen.ids().length === shown + 5);
    assert.deepEqual(screen.ids(), (await idsOf(server.url)).slice(0, shown + 5));
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('runs a compiled query without React', async () => {
    const { environment } = environmentOf(server.url, client);
    const query = require('./.built/relay-javascript/__generated__/entriesNewestQuery.graphql.js');
    const { head } = await fetchQuery(environment, query, {}).toPromise();
    assert.equal(typeof head.headCursor, 'string');
  });
});
