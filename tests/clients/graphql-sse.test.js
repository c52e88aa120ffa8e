// npm graphql-sse: subscriptions over server-sent events that survive a lost connection and a killed server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, NetworkError } from 'graphql-sse';
import { openLine } from '../line.mjs';
import { onEachDatabase } from './journal.js';
import { entryCreated, testOutages } from './streams.js';

function connect(t, url, options = {}) {
  const client = createClient({ url: `${url}/graphql`, ...options });
  t.after(() => client.dispose());
  return client;
}

onEachDatabase('graphql-sse', (start) => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  testOutages(() => server, {
    connect,
    // The pause is short so that the tests do not wait for the default of some seconds.
    patient: { retryAttempts: Infinity, retry: () => delay(50) },
    // A refusal is a result with errors. All that is thrown is the connection: lost, or not made.
    refused: () => false,
  });

  test('runs a mutation', async (t) => {
    const client = connect(t, server.url);
    const query = 'mutation { createEntry(input: { request: {}, response: {} }) { created } }';
    const results = [];
    for await (const result of client.iterate({ query })) results.push(result);
    assert.deepEqual(results, [{ data: { createEntry: { created: true } } }]);
  });

  test('reports a refused subscription as a result and ends it', async (t) => {
    const client = connect(t, server.url);
    const results = [];
    for await (const result of client.iterate({ query: entryCreated, variables: { after: 'no cursor' } })) results.push(result);
    assert.equal(results.length, 1);
    assert.equal(results[0].errors[0].extensions.code, 'BAD_USER_INPUT');
  });

  test('reports a server that is not there', async (t) => {
    const line = await openLine(server.url);
    const client = connect(t, line.url, { retryAttempts: 0 });
    await line.close();
    await assert.rejects(client.iterate({ query: entryCreated }).next(), NetworkError);
  });
});
