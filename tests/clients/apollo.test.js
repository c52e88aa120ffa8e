// Apollo Client: relayStylePagination with fetchMore, and subscribeToMore over graphql-ws.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { openLine } from '../line.mjs';
import { append, idsOf, onEachDatabase } from './journal.js';
import { mount, pressToTheEnd } from './react.js';

const require = createRequire(import.meta.url);
const { createElement: h, useEffect } = require('react');
const { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } = require('@apollo/client');
const { GraphQLWsLink } = require('@apollo/client/link/subscriptions');
const { ApolloProvider, useMutation, useQuery } = require('@apollo/client/react');
const { getMainDefinition, relayStylePagination } = require('@apollo/client/utilities');

const pageQuery = gql`
  query Entries($cursor: Cursor, $where: EntryWhereInput) {
    entries(first: 60, after: $cursor, where: $where) {
      edges {
        cursor
        node {
          id
          summary
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
      headCursor
    }
  }
`;

const arrivals = gql`
  subscription OnEntryCreated($after: Cursor) {
    entryCreated(after: $after) {
      cursor
      node {
        id
        summary
      }
    }
  }
`;

const creation = gql`
  mutation Create($input: CreateEntryInput!) {
    createEntry(input: $input) {
      edge {
        cursor
        node {
          id
          summary
        }
      }
    }
  }
`;

/** Puts an edge that is not there yet on top: after a reconnect the subscription starts again where it first did. */
function withEdge(previous, edge) {
  const { edges } = previous.entries;
  if (edges.some(({ cursor }) => cursor === edge.cursor)) return previous;
  return { ...previous, entries: { ...previous.entries, edges: [edge, ...edges] } };
}

function Entries({ where, live = false }) {
  const { data, loading, fetchMore, subscribeToMore } = useQuery(pageQuery, { variables: { where } });
  const after = data?.entries.headCursor;
  useEffect(() => {
    if (!live || !after) return undefined;
    return subscribeToMore({
      document: arrivals,
      variables: { after },
      updateQuery: (previous, { subscriptionData }) => withEdge(previous, subscriptionData.data.entryCreated),
    });
  }, [live, after, subscribeToMore]);
  if (loading && !data) return null;
  const { edges, pageInfo } = data.entries;
  const more = () => fetchMore({ variables: { cursor: pageInfo.endCursor } });
  return h(
    'section',
    null,
    edges.map(({ node }) => h('li', { key: node.id, id: node.id })),
    pageInfo.hasNextPage && h('button', { name: 'more', disabled: loading, onClick: more }),
    h(Form),
  );
}

function Form() {
  const [create] = useMutation(creation, {
    update: (cache, { data }) => cache.updateQuery({ query: pageQuery }, (previous) => withEdge(previous, data.createEntry.edge)),
  });
  const input = { username: 'dave', thing: 'PLUGIN', command: 'APPLY', request: null, response: { applied: true } };
  return h('button', { name: 'create', onClick: () => create({ variables: { input } }) });
}

onEachDatabase('Apollo Client', (start) => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  function apollo(t, streamURL = server.url) {
    const socket = createClient({
      url: `${streamURL.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      shouldRetry: () => true,
      retryAttempts: Infinity,
      retryWait: () => delay(50),
    });
    const link = ApolloLink.split(
      ({ query }) => getMainDefinition(query).operation === 'subscription',
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${server.url}/graphql` }),
    );
    const entries = relayStylePagination(['where', 'orderBy']);
    const cache = new InMemoryCache({ typePolicies: { Query: { fields: { entries } } } });
    const client = new ApolloClient({ link, cache });
    t.after(() => client.stop());
    t.after(() => socket.dispose());
    return { client, socket };
  }

  async function show(t, props = {}, streamURL = undefined) {
    const { client, socket } = apollo(t, streamURL);
    const screen = mount(t, h(ApolloProvider, { client }, h(Entries, props)));
    await screen.until('the first page', () => screen.ids().length > 0);
    return { screen, client, socket };
  }

  test('loads page after page with fetchMore until all entries are there, in order', async (t) => {
    const { screen } = await show(t);
    assert.ok((await pressToTheEnd(screen)) > 3);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('neither repeats nor misses an entry when others are appended between two pages', async (t) => {
    const wanted = await idsOf(server.url);
    const { screen } = await show(t);
    await append(server.url, 7);
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), wanted);
  });

  test('keeps a filtered list apart from the unfiltered one', async (t) => {
    const where = { thing: 'PROMPT' };
    const { screen, client } = await show(t, { where });
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), await idsOf(server.url, where));
    const { data } = await client.query({ query: pageQuery });
    assert.deepEqual(data.entries.edges.map(({ node }) => node.id), (await idsOf(server.url)).slice(0, 60));
  });

  test('shows a created entry from the mutation\'s edge', async (t) => {
    const { screen } = await show(t);
    const shown = screen.ids().length;
    screen.press('create');
    await screen.until('the entry', () => screen.ids().length > shown);
    assert.deepEqual(screen.ids(), (await idsOf(server.url)).slice(0, shown + 1));
  });

  test('shows arriving entries with subscribeToMore and pages on below them', async (t) => {
    const { screen } = await show(t, { live: true });
    const shown = screen.ids().length;
    await append(server.url, 5);
    await screen.until('the live entries', () => screen.ids().length === shown + 5);
    await pressToTheEnd(screen);
    assert.deepEqual(screen.ids(), await idsOf(server.url));
  });

  test('misses and repeats nothing on the screen when the connection is cut under subscribeToMore', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const { screen, socket } = await show(t, { live: true }, line.url);
    const shown = screen.ids().length;
    await append(server.url, 3);
    await screen.until('the live entries', () => screen.ids().length === shown + 3);
    let connections = 0;
    socket.on('connected', () => connections++);
    await line.cut();
    await append(server.url, 4);
    await line.mend();
    await screen.until('the missed entries', () => screen.ids().length >= shown + 7);
    await append(server.url, 2);
    await screen.until('the later entries', () => screen.ids().length >= shown + 9);
    assert.equal(connections, 1);
    assert.deepEqual(screen.ids(), (await idsOf(server.url)).slice(0, shown + 9));
  });
});
