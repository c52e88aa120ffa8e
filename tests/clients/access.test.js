// What client libraries do when a token is wrong, and when it is revoked while they are subscribed.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createEventClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startServer } from '../server.mjs';
import { databases, eventually, query } from './journal.js';

const subscription = { query: 'subscription { entryCreated { node { id } } }' };

/** Longer than a client's first pause before it connects again. */
const longEnough = 5_000;

for (const { name, databaseURL } of databases) {
  describe(`Access on ${name}`, { timeout: 120_000 }, () => {
    let server;
    before(async () => {
      server = await startServer({ databaseURL, env: { SAMJOURNAL_AUTH: 'required' } });
    });
    after(() => server.stop());

    /** A graphql-ws client that counts its connections. */
    function socket(token) {
      const seen = { connections: 0, closed: undefined };
      class Counted extends WebSocket {
        constructor(...args) {
          super(...args);
          seen.connections += 1;
          this.addEventListener('close', ({ code }) => {
            seen.closed = code;
          });
        }
      }
      const client = createClient({
        url: `${server.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: Counted,
        connectionParams: { Authorization: `Bearer ${token}` },
      });
      return { client, seen };
    }

    test('graphql-ws gives up at once with a wrong token', async () => {
      const { client, seen } = socket('sjt_wrong');
      await assert.rejects(client.iterate(subscription).next(), (problem) => problem.code === 4401);
      await delay(longEnough);
      assert.equal(seen.connections, 1, 'it does not connect again');
      await client.dispose();
    });

    test('graphql-sse is refused with 401 each time it tries a wrong token', async () => {
      let requests = 0;
      const client = createEventClient({
        url: `${server.url}/graphql`,
        headers: { Authorization: 'Bearer sjt_wrong' },
        retryAttempts: 1, // by itself it tries five times, each after a longer pause
        fetchFn: (...args) => {
          requests += 1;
          return fetch(...args);
        },
      });
      await assert.rejects(client.iterate(subscription).next(), (problem) => problem.response?.status === 401);
      assert.equal(requests, 2);
      client.dispose();
    });

    test('a revoked token ends live subscriptions, and they stay ended', async () => {
      const token = await server.token('auditor', { name: 'live' });
      const writer = { Authorization: `Bearer ${await server.token('writer')}` };
      const { client, seen } = socket(token);
      const events = createEventClient({ url: `${server.url}/graphql`, headers: { Authorization: `Bearer ${token}` } });
      const lives = { socket: client.iterate(subscription), events: events.iterate(subscription) };
      const first = Object.values(lives).map((live) => live.next());
      const arrived = Promise.all(first).then(() => true);
      let there = false;
      arrived.then(() => { there = true; });
      await eventually('both are subscribed', async () => {
        await query(server.url, 'mutation { createEntry(input: { request: 1, response: 1 }) { key } }', {}, writer);
        return there;
      });

      await server.revoke('live');
      const drained = async (live) => {
        for (;;) {
          const { done, value } = await live.next();
          if (done || value.errors) return value;
        }
      };
      await assert.rejects(drained(lives.socket), (problem) => problem.code === 4401);
      const last = await drained(lives.events);
      assert.equal(last.errors[0].extensions.code, 'UNAUTHENTICATED');
      await delay(longEnough);
      assert.deepEqual(seen, { connections: 1, closed: 4401 });
      await client.dispose();
      events.dispose();
    });
  });
}
