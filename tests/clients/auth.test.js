// Tokens with each client library, sent as the library documents it: what a role may do, what comes of a wrong token, and the
// account of an operator.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startServer } from '../server.mjs';
import { databases, eventually } from './journal.js';
import { Attempts, libraries } from './libraries.js';

const create = `mutation Create($username: String!) {
  createEntry(input: { username: $username, request: {}, response: null }) { key created entry { id } edge { cursor } }
}`;
const read = 'query Read { entries { totalCount headCursor edges { node { key user { username } } } } }';
const arrivals = 'subscription Arrivals($after: Cursor) { entryCreated(after: $after) { node { key } } }';
const whoAmI = '{ viewer { role account { slug } user { username } } }';

const wrong = `sjt_${'a'.repeat(70)}`;
const aWhile = 1_000;

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const inAccount = (token, account) => ({ ...bearer(token), 'X-Samjournal-Account': account });
/** The problem of a promise, in full: libraries wrap it, each in its own way. */
const problemOf = async (promise) => {
  const problem = await promise.then(() => assert.fail('it was not refused'), (reason) => reason);
  return inspect(problem, { depth: 8 });
};

for (const { name: database, databaseURL } of databases) {
  describe(`Tokens on ${database}`, { timeout: 120_000 }, () => {
    const account = `acme-${randomBytes(4).toString('hex')}`;
    const tokens = {};
    let server;
    before(async () => {
      server = await startServer({ databaseURL, env: { SAMJOURNAL_AUTH: 'required' } });
      await server.account(account);
      for (const role of ['writer', 'auditor', 'admin']) tokens[role] = await server.token(role, { account });
      tokens.reader = await server.token('reader', { account, user: 'alice' });
      tokens.operator = await server.token('operator');
    });
    after(() => server?.stop());

    /** A client until the test ends. */
    function open(t, library, headers) {
      const attempts = new Attempts();
      const client = libraries[library](server.url, headers, attempts);
      t.after(() => client.close());
      return { ...client, attempts };
    }

    async function send(headers, { query = whoAmI, accept = 'application/graphql-response+json' } = {}) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept, ...headers },
        body: JSON.stringify({ query }),
      });
      return { status: response.status, challenge: response.headers.get('www-authenticate'), ...(await response.json()) };
    }

    for (const library of Object.keys(libraries)) {
      test(`${library}: a writer appends and reads nothing, an auditor reads, live too, and appends nothing`, async (t) => {
        const writer = open(t, library, bearer(tokens.writer));
        const auditor = open(t, library, bearer(tokens.auditor));
        const arrived = [];
        const problems = [];
        const { entries } = await auditor.ask(read);
        const sink = {
          next: ({ entryCreated }) => arrived.push(entryCreated.node.key),
          error: (problem) => problems.push(problem),
          complete: () => {},
        };
        const end = auditor.live(arrivals, { after: entries.headCursor }, sink);
        const { createEntry } = await writer.ask(create, { username: 'alice' });
        assert.deepEqual([createEntry.created, createEntry.entry, createEntry.edge], [true, null, null]);
        await eventually('the entry', () => arrived.length > 0 || problems.length > 0);
        assert.deepEqual([arrived, problems], [[createEntry.key], []]);
        end();
        assert.equal((await auditor.ask(read)).entries.edges[0].node.key, createEntry.key);
        assert.match(await problemOf(writer.ask(read)), /\bFORBIDDEN\b/);
        assert.match(await problemOf(auditor.ask(create, { username: 'alice' })), /\bFORBIDDEN\b/);
      });

      test(`${library}: a wrong token is refused once, for a query and for a subscription`, async (t) => {
        const { ask, live, attempts } = open(t, library, bearer(wrong));
        assert.match(await problemOf(ask(whoAmI)), /\b4401\b|\b401\b|\bUNAUTHENTICATED\b/);
        assert.equal(attempts.count, 1);
        const ended = new Promise((resolve, reject) => {
          live(arrivals, {}, { next: resolve, error: reject, complete: resolve });
        });
        assert.match(await problemOf(ended), /\b4401\b|\b401\b/);
        await delay(aWhile);
        assert.equal(attempts.count, 2, 'it is not sent again by itself');
      });
    }

    test('a reader has the entries of its user and no others, and appends nothing', async (t) => {
      const { ask } = open(t, 'graphql-ws', bearer(tokens.writer));
      for (const username of ['alice', 'bob', 'alice']) await ask(create, { username });
      for (const library of Object.keys(libraries)) {
        const reader = open(t, library, bearer(tokens.reader));
        const { entries } = await reader.ask(read);
        const names = entries.edges.map(({ node }) => node.user.username);
        assert.deepEqual([...new Set(names)], ['alice'], library);
        assert.equal(entries.totalCount, names.length);
        assert.match(await problemOf(reader.ask(create, { username: 'alice' })), /\bFORBIDDEN\b/);
      }
    });

    test('HTTP says 401, how to authenticate, and UNAUTHENTICATED, whatever is wrong', async () => {
      const expired = await server.token('auditor', { account, name: 'short', expires: '2s' });
      const revoked = await server.token('auditor', { account, name: 'gone' });
      await server.revoke('gone', account);
      await eventually('the token to expire', async () => (await send(bearer(expired))).status === 401);
      const credentials = { none: {}, wrong: bearer(wrong), expired: bearer(expired), revoked: bearer(revoked) };
      credentials.basic = { Authorization: `Basic ${btoa('alice:secret')}` };
      credentials.naked = { Authorization: tokens.auditor };
      for (const [what, headers] of Object.entries(credentials)) {
        for (const accept of ['application/graphql-response+json', 'application/json', 'text/event-stream']) {
          const { status, challenge, data, errors } = await send(headers, { accept });
          assert.deepEqual([status, challenge, data], [401, 'Bearer', undefined], `${what} ${accept}`);
          assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED');
        }
      }
    });

    test('an operator names the account in which it acts, over every transport', async (t) => {
      assert.equal((await send(bearer(tokens.operator))).data.viewer.account.slug, 'default');
      for (const library of Object.keys(libraries)) {
        const { viewer } = await open(t, library, inAccount(tokens.operator, account)).ask(whoAmI);
        assert.deepEqual([viewer.role, viewer.account.slug], ['OPERATOR', account], library);
      }
      const nowhere = await send(inAccount(tokens.operator, 'nowhere'));
      assert.deepEqual([nowhere.status, nowhere.errors[0].extensions.code], [400, 'BAD_USER_INPUT']);
      assert.match(await problemOf(open(t, 'graphql-ws', inAccount(tokens.operator, 'nowhere')).ask(whoAmI)), /\b4400\b/);
    });

    test('others may name their own account and no other, be it there or not', async (t) => {
      assert.equal((await send(inAccount(tokens.admin, account))).data.viewer.role, 'ADMIN');
      for (const other of ['default', 'nowhere']) {
        const { status, errors } = await send(inAccount(tokens.admin, other));
        assert.deepEqual([status, errors[0].extensions.code], [403, 'FORBIDDEN']);
        const socket = createSocketClient({
          url: `${server.url.replace(/^http/, 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          connectionParams: inAccount(tokens.admin, other),
          retryAttempts: 0,
        });
        t.after(() => socket.dispose());
        assert.match(await problemOf(socket.iterate({ query: whoAmI }).next()), /\b4403\b/);
      }
    });
  });
}
