// urql: relayPagination of graphcache, and subscriptionExchange over graphql-ws and over graphql-sse.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createStream } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws';
import { append, idsOf, onEachDatabase, query } from './journal.js';
import { mount, pressToTheEnd } from './react.js';

const require = createRequire(import.meta.url);
const { createElement: h, useState } = require('react');
const { Client, fetchExchange, gql, Provider, subscriptionExchange, useMutation, useQuery, useSubscription } = require('urql');
const { cacheExchange } = require('@urql/exchange-graphcache');
const { relayPagination } = require('@urql/exchange-graphcache/extras');

const pageQuery = gql`
  query Entries($first: Int, $after: Cursor, $last: Int, $before: Cursor, $where: EntryWhereInput) {
    entries(first: $first, after: $after, last: $last, before: $before, where: $where) {
      edges {
        cursor
        node {
          id
          position
          user {
            id
            username
          }
        }
      }
      pageInfo {
        startCursor
        endCursor
        hasNextPage
        hasPreviousPage
      }
      headCursor
    }
  }
`;

const arrivals = gql`
  subscription Arrivals($after: Cursor) {
    entryCreated(after: $after) {
      cursor
      node {
        id
        position
      }
    }
  }
`;

const creation = gql`
  mutation Create($input: CreateEntryInput!) {
    createEntry(input: $input) {
      created
      entry {
        id
        position
      }
    }
  }
`;

/** Pages on in one direction: older entries after the newest, or newer ones before the oldest. */
function Entries({ where, backwards = false }) {
  const [cursor, setCursor] = useState(null);
  const page = backwards ? { last: 60, before: cursor } : { first: 60, after: cursor };
  const [{ data, fetching, stale, error }] = useQuery({ query: pageQuery, variables: { ...page, where } });
  if (error) throw error;
  if (!data) return null;
  const { edges, pageInfo } = data.entries;
  const more = backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
  return h(
    'section',
    null,
    edges.map(({ node }) => h('li', { key: node.id, id: node.id })),
    more &&
      h('button', {
        name: 'more',
        disabled: fetching || stale,
        onClick: () => setCursor(backwards ? pageInfo.startCursor : pageInfo.endCursor),
      }),
  );
}

/** Shows what arrives after a cursor, oldest first, and makes an entry at the press of a button. */
function Arrivals({ after }) {
  const collect = (seen = [], { entryCreated }) => [...seen, entryCreated.node];
  const [{ data = [], error }] = useSubscription({ query: arrivals, variables: { after } }, collect);
  const [, create] = useMutation(creation);
  if (error) throw error;
  const input = { thing: 'PROXY', command: 'DEPLOY', request: [], response: 'done' };
  return h(
    'section',
    null,
    data.map(({ id }) => h('li', { key: id, id })),
    h('button', { name: 'create', onClick: () => create({ input }) }),
  );
}

const transports = {
  'graphql-ws': (t, url) => {
    const options = { shouldRetry: () => true, retryAttempts: Infinity, retryWait: () => delay(50) };
    const client = createSocket({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, ...options });
    t.after(() => client.dispose());
    return client;
  },
  'graphql-sse': (t, url) => {
    const client = createStream({ url: `${url}/graphql`, retryAttempts: Infinity, retry: () => delay(50) });
    t.after(() => client.dispose());
    return client;
  },
};

onEachDatabase('urql', (start) => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  function show(t, element, transport = 'graphql-ws') {
    const stream = transports[transport](t, server.url);
    const warnings = [];
    const client = new Client({
      url: `${server.url}/graphql`,
      preferGetMethod: false,
      exchanges: [
        cacheExchange({
          resolvers: { Query: { entries: relayPagination() } },
          // Debug messages tell of every page that was not in the cache yet.
          logger: (severity, message) => severity !== 'debug' && warnings.push(message),
        }),
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({ unsubscribe: stream.subscribe({ ...request, query: request.query ?? '' }, sink) }),
          }),
        }),
      ],
    });
    return { screen: mount(t, h(Provider, { value: client }, element)), client, warnings };
  }

  async function showPages(t, props) {
    const shown = show(t, h(Entries, props));
    await shown.screen.until('the first page', () => shown.screen.ids().length > 0);
    return shown;
  }

  test('loads page after page forward until all entries are there, in order', async (t) => {
    const { screen, warnings } = await showPages(t);
    assert.ok((await pressToTheEnd(screen)) > 3);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
    assert.deepEqual(warnings, [], 'the cache can tell every object by its id');
  });

  test('loads page after page backwards until all entries are there, in order', async (t) => {
    const { screen } = await showPages(t, { backwards: true });
    assert.ok((await pressToTheEnd(screen)) > 3);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('neither repeats nor misses an entry when others are appended between two pages', async (t) => {
    const wanted = await idsOf(server.url);
    const { screen } = await showPages(t);
    await append(server.url, 7);
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), wanted);
  });

  test('pages on under a filter', async (t) => {
    const where = { commandNEQ: 'PROMPT' };
    const { screen } = await showPages(t, { where });
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), await idsOf(server.url, where));
  });

  test('pages on under a search, through what is indexed and what is not yet', async (t) => {
    const word = `gobstopper${Date.now()}`;
    const input = { request: { messages: [{ role: 'user', text: `A ${word}, please` }], price: 1.5 } };
    const positions = await append(server.url, 25, input);
    const where = {
      search: `"a ${word.toUpperCase()}" pleas*`,
      requestPath: { path: '$.messages[*].role', eq: 'user' },
      and: [{ since: 'PT1H' }, { requestPath: { path: '$.price', gt: 1, lt: 1.75 } }],
    };
    const { screen } = await showPages(t, { where });
    await pressToTheEnd(screen);
    assert.equal(screen.ids().length, positions.length);
    assert.deepEqual(screen.ids(), await idsOf(server.url, { positionGTE: positions[0] }));
  });

  test('asks by GET, its stock choice for short queries', async (t) => {
    const methods = [];
    const watched = (input, init) => {
      methods.push(init.method);
      return fetch(input, init);
    };
    const client = new Client({ url: `${server.url}/graphql`, exchanges: [fetchExchange], fetch: watched });
    const { data, error } = await client.query(pageQuery, { first: 2 }).toPromise();
    assert.equal(error, undefined);
    assert.deepEqual(methods, ['GET']);
    assert.deepEqual(data.entries.edges.map(({ node }) => node.id), (await idsOf(server.url)).slice(0, 2));
  });

  for (const transport of Object.keys(transports)) {
    test(`shows arriving entries through subscriptionExchange over ${transport}, none missed since a page`, async (t) => {
      const { entries } = await query(server.url, '{ entries(first: 0) { headCursor } }');
      await append(server.url, 3);
      const { screen } = show(t, h(Arrivals, { after: entries.headCursor }), transport);
      await screen.until('the entries since the page', () => screen.ids().length === 3);
      await append(server.url, 2);
      await screen.until('the live entries', () => screen.ids().length === 5);
      screen.press('create');
      await screen.until('its own entry', () => screen.ids().length === 6);
      assert.deepEqual(screen.ids(), (await idsOf(server.url)).slice(0, 6).reverse());
    });
  }
});
