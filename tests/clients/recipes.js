// The recipes as applications use them, all with one face: follow, create, the ids on the screen, older entries.

import { createRequire } from 'node:module';
import WebSocket from 'ws';
import { run } from './journal.js';
import * as apollo from './recipes/apollo.js';
import { EntryList } from './recipes/entry-list.js';
import { connect as connectSSE } from './recipes/graphql-sse.js';
import { connect as connectWS } from './recipes/graphql-ws.js';
import * as urql from './recipes/urql.js';
import { loadRecipe } from './relay/build.js';

const require = createRequire(import.meta.url);
// Part of Apollo's GraphQLWsLink where connections are lost; browsers have it, and Node.js from 22 on.
globalThis.WebSocket ??= WebSocket;

const idsIn = (entries) => entries?.edges.map(({ node }) => node.id) ?? [];

function listOf(client) {
  let shown = { edges: [] };
  const list = new EntryList(client, (edges) => {
    shown = { edges };
  });
  return {
    follow: (options) => list.follow(options),
    create: (input, options) => list.create(input, options),
    ids: () => idsIn(shown),
    // It waits for a connection that is being made, which may be refused: then there is nothing to close.
    close: () => Promise.resolve(client.dispose()).catch(() => {}),
  };
}

function ofApollo(url, gate, options) {
  const client = apollo.connect(url, { webSocketImpl: gate.WebSocket, fetch: gate.fetch, ...options });
  const entries = () => client.readQuery({ query: apollo.page })?.entries;
  return {
    follow: (options) => apollo.followEntries(client, options),
    create: (input, options) => apollo.create(client, input, options),
    ids: () => idsIn(entries()),
    more: async () => {
      const watched = client.watchQuery({ query: apollo.page });
      const subscription = watched.subscribe(() => {});
      await watched.fetchMore({ variables: { cursor: entries().pageInfo.endCursor } });
      subscription.unsubscribe();
    },
    close: () => client.stop(),
  };
}

function ofUrql(url, gate, options) {
  let client;
  const connected = () => urql.connect(url, { webSocketImpl: gate.WebSocket, fetch: gate.fetch, ...options });
  const show = (current) => {
    client = current;
  };
  const entries = () => client?.readQuery(urql.page, {})?.data.entries;
  return {
    follow: (options) => urql.followEntries(connected, show, options),
    create: (input, options) => urql.create(client, input, options),
    ids: () => idsIn(entries()),
    more: () => client.query(urql.page, { cursor: entries().pageInfo.endCursor }).toPromise(),
    close: () => {},
  };
}

async function ofRelay(url, gate, options) {
  const relay = await compiled();
  const { createOperationDescriptor, fetchQuery, getRequest, getSingularSelector } = require('relay-runtime');
  const environment = relay.connect(url, { webSocketImpl: gate.WebSocket, fetch: gate.fetch, ...options });
  const entries = () => {
    const { fragment } = createOperationDescriptor(getRequest(relay.page), {});
    const { data } = environment.lookup(fragment);
    return environment.lookup(getSingularSelector(relay.list, data)).data.entries;
  };
  return {
    follow: (options) => relay.followEntries(environment, options),
    create: (input, options) => relay.create(environment, input, options),
    ids: () => idsIn(entries()),
    more: () => {
      const { refetch } = relay.list.metadata;
      return fetchQuery(environment, refetch.operation, { count: 50, cursor: entries().pageInfo.endCursor }).toPromise();
    },
    close: () => {},
  };
}

let relay;
async function compiled() {
  relay ??= run(['schema']).then(loadRecipe);
  return relay;
}

/** By name: what makes an application on the API at url, whose messages go through the gate, but where options have a fetch. */
export const applications = {
  'graphql-ws': async (url, gate, options) => listOf(connectWS(url, { webSocketImpl: gate.WebSocket, ...options })),
  'graphql-sse': async (url, gate, options) => listOf(connectSSE(url, { fetchFn: gate.fetch, ...options })),
  'Apollo Client': async (url, gate, options) => ofApollo(url, gate, options),
  urql: async (url, gate, options) => ofUrql(url, gate, options),
  Relay: ofRelay,
};
