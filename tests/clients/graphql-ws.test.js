// npm graphql-ws: subscriptions over WebSocket that survive a lost connection, a killed server and a restarted one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { eventually, onEachDatabase } from './journal.js';
import { entryCreated, subscribe, testOutages } from './streams.js';

const at = (url) => `${url.replace(/^http/, 'ws')}/graphql`;

function connect(t, url, options = {}) {
  const client = createClient({ url: at(url), webSocketImpl: WebSocket, ...options });
  t.after(() => client.dispose());
  return client;
}

const next = (client, event) => new Promise((resolve) => client.on(event, resolve));

onEachDatabase('graphql-ws', (start) => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  testOutages(() => server, {
    connect,
    // By default the client gives up when nobody listens at its next attempt, which is an error and no close event.
    // The pause is short so that the tests do not wait for the default of some seconds.
    patient: { shouldRetry: () => true, retryAttempts: Infinity, retryWait: () => delay(50) },
    // A list is the server's refusal. All else is the connection: closed, or not made.
    refused: (problem) => Array.isArray(problem),
  });

  test('is told by close code 1012 that the server restarts', async (t) => {
    const client = connect(t, server.url, { lazy: false, retryAttempts: 0, onNonLazyError: () => {} });
    await next(client, 'connected');
    const closed = next(client, 'closed');
    await server.end();
    const { code } = await closed;
    await server.start();
    assert.equal(code, 1012);
  });

  test('runs queries and mutations on the same connection', async (t) => {
    const client = connect(t, server.url, { lazy: false });
    const socket = await next(client, 'connected');
    assert.equal(socket.protocol, 'graphql-transport-ws');
    const ask = async (query, variables) => (await client.iterate({ query, variables }).next()).value.data;
    const { createEntry } = await ask('mutation { createEntry(input: { request: {}, response: {} }) { key } }');
    const { entry } = await ask('query ($key: String!) { entry(key: $key) { key } }', { key: createEntry.key });
    assert.deepEqual(entry, createEntry);
  });

  test('does not try again when the subscription itself is refused', async (t) => {
    const client = connect(t, server.url);
    const subscription = subscribe(client, { query: entryCreated, variables: { after: 'no cursor' } }, () => {});
    await assert.rejects(subscription, ([error]) => error.extensions.code === 'BAD_USER_INPUT');
  });

  test('answers pings', async (t) => {
    const client = connect(t, server.url, { lazy: false, keepAlive: 20 });
    const pongs = [];
    client.on('pong', (received) => pongs.push(received));
    await eventually('two pongs', () => pongs.filter(Boolean).length >= 2);
  });

  test('is told by the protocol\'s code that it must start with connection_init', async () => {
    const socket = new WebSocket(at(server.url), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: '{ viewer { role } }' } }));
    const [code] = await once(socket, 'close');
    assert.equal(code, 4401);
  });
});
