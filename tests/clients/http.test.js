// graphql-http's audits of GraphQL over HTTP, and requests that need no library.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { append, idsOf, onEachDatabase, query } from './journal.js';

const accept = 'application/graphql-response+json';

onEachDatabase('HTTP', (start) => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  const audits = serverAudits({ url: () => `${server.url}/graphql` });

  test('has all 61 audits to pass', () => assert.equal(audits.length, 61));

  for (const audit of audits) {
    test(`passes audit ${audit.id}: ${audit.name}`, async () => {
      const { status, reason, response } = await audit.fn();
      assert.equal(status, 'ok', `${reason}\n${response?.status} ${JSON.stringify(response?.body)}`);
    });
  }

  async function get(parameters) {
    const response = await fetch(`${server.url}/graphql?${new URLSearchParams(parameters)}`, { headers: { accept } });
    return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
  }

  test('answers a query by GET, with variables', async () => {
    const { status, type, body } = await get({
      query: 'query Newest($first: Int!) { entries(first: $first) { edges { node { id } } } }',
      operationName: 'Newest',
      variables: JSON.stringify({ first: 3 }),
    });
    assert.equal(status, 200);
    assert.match(type, /^application\/graphql-response\+json/);
    assert.deepEqual(
      body.data.entries.edges.map(({ node }) => node.id),
      (await idsOf(server.url)).slice(0, 3),
    );
  });

  test('refuses a mutation by GET and appends nothing', async () => {
    const before = await idsOf(server.url);
    const { status, body } = await get({ query: 'mutation { createEntry(input: { request: 1, response: 2 }) { key } }' });
    assert.equal(status, 405);
    assert.equal(body.data, undefined);
    assert.deepEqual(await idsOf(server.url), before);
  });

  test('asks for the text of a persisted query that it does not know, and runs nothing', async () => {
    const sha256Hash = createHash('sha256').update('{ viewer { role } }').digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const { status, body } = await get({ extensions: JSON.stringify(extensions) });
    assert.equal(status, 400);
    assert.equal(body.data, undefined);
    assert.equal(body.errors[0].extensions.code, 'PERSISTED_QUERY_NOT_FOUND');
  });

  test('gives aliased root fields each its own answer', async () => {
    await append(server.url, 2, { thing: 'PROXY' });
    const ids = await idsOf(server.url);
    const proxies = await idsOf(server.url, { thing: 'PROXY' });
    const { newest, oldest, all, filtered } = await query(
      server.url,
      `{
        newest: entries(first: 2) { edges { node { id } } }
        oldest: entries(last: 2) { edges { node { id } } }
        all: entries { totalCount }
        filtered: entries(where: { thing: PROXY }) { totalCount edges { node { id } } }
      }`,
    );
    const idsIn = ({ edges }) => edges.map(({ node }) => node.id);
    assert.deepEqual(idsIn(newest), ids.slice(0, 2));
    assert.deepEqual(idsIn(oldest), ids.slice(-2));
    assert.equal(all.totalCount, ids.length);
    assert.equal(filtered.totalCount, proxies.length);
    assert.deepEqual(idsIn(filtered), proxies.slice(0, 50));
  });

  test('gives aliases inside a connection what the names under them give', async () => {
    const { entries } = await query(
      server.url,
      `{
        entries(first: 4, where: { thing: PROMPT }) {
          edges { cursor node { id user { username } } }
          totalCount
          pageInfo { endCursor hasNextPage }
          e: edges { c: cursor n: node { i: id u: user { name: username } } }
          t: totalCount
          p: pageInfo { end: endCursor more: hasNextPage }
          again: edges { node { position } }
        }
      }`,
    );
    const ids = await idsOf(server.url, { thing: 'PROMPT' });
    assert.equal(entries.t, ids.length);
    assert.equal(entries.t, entries.totalCount);
    assert.deepEqual(entries.e.map(({ n }) => n.i), ids.slice(0, 4));
    assert.deepEqual(
      entries.e.map(({ c, n }) => ({ cursor: c, node: { id: n.i, user: n.u && { username: n.u.name } } })),
      entries.edges,
    );
    assert.deepEqual({ endCursor: entries.p.end, hasNextPage: entries.p.more }, entries.pageInfo);
    assert.equal(entries.again.length, 4);
  });

  test('gives aliases without the names under them, too', async () => {
    const { entries } = await query(server.url, '{ entries(first: 2) { e: edges { n: node { i: id } } t: totalCount } }');
    const ids = await idsOf(server.url);
    assert.deepEqual(entries, { e: ids.slice(0, 2).map((i) => ({ n: { i } })), t: ids.length });
  });
});
