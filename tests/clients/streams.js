// What must hold of a stream of new entries, whichever client reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLine } from '../line.mjs';
import { append, eventually, headCursor, query } from './journal.js';

export const entryCreated = `subscription NewEntries($after: Cursor) {
  entryCreated(after: $after) { cursor node { id position } }
}`;

/** The edges that a client handled, in order. */
class Seen {
  edges = [];

  handle(edge) {
    this.edges.push(edge);
  }

  positions() {
    return this.edges.map(({ node }) => node.position);
  }

  has(positions) {
    const seen = new Set(this.positions());
    return positions.every((position) => seen.has(position));
  }

  /** Every entry exactly once, in order, with the very cursors that a page gives. */
  async assertExactly(url, positions) {
    assert.deepEqual(this.positions(), positions);
    await assertCursorsOfPages(url, this.edges);
  }

  /** Every entry, some again: an entry seen again has the same id and the same cursor, so that it can be left out. */
  async assertWithRepeats(url, positions) {
    const first = new Map();
    for (const { cursor, node } of this.edges) first.set(cursor, first.get(cursor) ?? node);
    for (const { cursor, node } of this.edges) assert.equal(first.get(cursor).id, node.id);
    assert.equal(new Set([...first.values()].map(({ id }) => id)).size, first.size);
    assert.deepEqual([...first.values()].map(({ position }) => position), positions);
    assert.ok(this.edges.length > first.size, 'an entry was seen again');
    await assertCursorsOfPages(url, this.edges);
  }
}

async function assertCursorsOfPages(url, edges) {
  const positions = edges.map(({ node }) => node.position);
  const text = `query ($where: EntryWhereInput) {
    entries(first: 500, where: $where) { edges { cursor node { id position } } }
  }`;
  const byPosition = new Map();
  for (let start = 0; start < positions.length; start += 500) {
    const { entries } = await query(url, text, { where: { positionIn: positions.slice(start, start + 500) } });
    for (const edge of entries.edges) byPosition.set(edge.node.position, edge);
  }
  assert.deepEqual(edges, positions.map((position) => byPosition.get(position)));
}

/** Every way of losing the connection: what breaks it, how entries get in meanwhile, what repairs it. */
const outages = {
  'a cut line': {
    lose: (server, line) => line.cut(),
    appendMeanwhile: (server, count) => append(server.url, count),
    find: (server, line) => line.mend(),
  },
  'a killed server': {
    lose: (server) => server.kill(),
    appendMeanwhile: (server, count) => server.grow(count),
    find: (server) => server.start(),
  },
  'a stopped server': {
    lose: (server) => server.end(),
    appendMeanwhile: (server, count) => server.grow(count),
    find: (server) => server.start(),
  },
};

/** Appends before, during and after the outage while the client watches, and gives all positions. */
async function throughOutage(outage, server, line, seen) {
  const positions = await append(server.url, 3);
  await eventually('the entries before the outage', () => seen.has(positions));
  await outage.lose(server, line);
  await outage.appendMeanwhile(server, 5);
  await outage.find(server, line);
  // The client may still be away now.
  const later = await append(server.url, 5);
  for (let position = positions.at(-1) + 1; position < later[0]; position++) positions.push(position);
  positions.push(...later);
  assert.equal(positions.length, 3 + 5 + 5);
  await eventually('the entries of the outage', () => seen.has(positions));
  positions.push(...(await append(server.url, 2)));
  await eventually('the entries after the outage', () => seen.has(positions));
  return positions;
}

async function onLine(t, server) {
  const line = await openLine(server.url);
  t.after(() => line.close());
  return line;
}

/**
 * Whenever the subscription breaks, subscribes again after the last edge handled.
 * open(after) starts a subscription and gives its results; refused tells a refusal, which will not change, from a problem
 * of the connection.
 */
async function follow(open, refused, cursor, seen, signal) {
  let after = cursor;
  while (!signal.aborted) {
    const subscription = open(after);
    signal.addEventListener('abort', () => subscription.return(), { once: true });
    try {
      for await (const { data, errors } of subscription) {
        assert.equal(errors, undefined);
        seen.handle(data.entryCreated);
        after = data.entryCreated.cursor;
      }
    } catch (problem) {
      if (problem instanceof assert.AssertionError || refused(problem)) throw problem;
      await delay(50);
    }
  }
}

/** Stays subscribed: the library itself sends request again. */
export function subscribe(client, request, handle) {
  return new Promise((resolve, reject) => {
    client.subscribe(request, {
      next: ({ data, errors }) => (errors ? reject(errors) : handle(data.entryCreated)),
      error: reject,
      complete: resolve,
    });
  });
}

/**
 * The recipe of docs/schema.md where advance advances the variables: the library's own retries send them as they are then.
 * Stays subscribed until the outage is over.
 */
async function stay(t, { outage, server, client, advance }) {
  const line = await onLine(t, server);
  const patient = client.connect(t, line.url, client.patient);
  const seen = new Seen();
  const request = { query: entryCreated, variables: { after: await headCursor(server.url) } };
  const subscription = subscribe(patient, request, (edge) => {
    seen.handle(edge);
    advance(request, edge);
  });
  const positions = await throughOutage(outage, server, line, seen);
  patient.dispose();
  await subscription;
  return { seen, positions };
}

/**
 * What a client sees through every outage. client.connect(t, url, options) makes one of the library's clients,
 * client.patient are the options by which it retries for ever, client.refused(problem) is as in follow.
 */
export function testOutages(serverNow, client) {
  for (const [name, outage] of Object.entries(outages)) {
    test(`sees every entry exactly once through ${name}, subscribing again after the last edge`, async (t) => {
      const server = serverNow();
      const line = await onLine(t, server);
      const impatient = client.connect(t, line.url, { retryAttempts: 0 });
      const open = (after) => impatient.iterate({ query: entryCreated, variables: { after } });
      const seen = new Seen();
      const over = new AbortController();
      const following = follow(open, client.refused, await headCursor(server.url), seen, over.signal);
      const positions = await throughOutage(outage, server, line, seen);
      over.abort();
      await following;
      await seen.assertExactly(server.url, positions);
    });

    test(`sees every entry exactly once through ${name}, its variables advanced and sent again by the library`, async (t) => {
      const server = serverNow();
      const advance = (request, edge) => {
        request.variables.after = edge.cursor;
      };
      const { seen, positions } = await stay(t, { outage, server, client, advance });
      await seen.assertExactly(server.url, positions);
    });

    test(`sees entries again through ${name} when its first variables are sent again, known by id and cursor`, async (t) => {
      const server = serverNow();
      const { seen, positions } = await stay(t, { outage, server, client, advance: () => {} });
      await seen.assertWithRepeats(server.url, positions);
    });
  }

  test('sees every entry exactly once while the line is cut again and again under a stream of appends', async (t) => {
    const server = serverNow();
    const line = await onLine(t, server);
    const impatient = client.connect(t, line.url, { retryAttempts: 0 });
    const open = (after) => impatient.iterate({ query: entryCreated, variables: { after } });
    const seen = new Seen();
    const over = new AbortController();
    const following = follow(open, client.refused, await headCursor(server.url), seen, over.signal);
    const positions = [];
    const cuts = new AbortController();
    const writing = (async () => {
      while (!cuts.signal.aborted) positions.push(...(await append(server.url, 2)));
    })();
    for (let cut = 0; cut < 10; cut++) {
      const before = seen.edges.length;
      await eventually('entries before the cut', () => seen.edges.length > before + 5);
      await line.cut();
      await line.mend();
    }
    cuts.abort();
    await writing;
    await eventually('all entries', () => seen.edges.length >= positions.length);
    over.abort();
    await following;
    await seen.assertExactly(server.url, positions);
  });

  test('connects again by itself, with no options at all, to a server that was stopped and started', async (t) => {
    const server = serverNow();
    const plain = client.connect(t, server.url);
    const seen = new Seen();
    const request = { query: entryCreated, variables: { after: await headCursor(server.url) } };
    const subscription = subscribe(plain, request, (edge) => seen.handle(edge));
    const positions = await append(server.url, 1);
    await eventually('the first entry', () => seen.has(positions));
    await server.end();
    await server.start();
    positions.push(...(await append(server.url, 1)));
    await eventually('the second entry', () => seen.has(positions));
    plain.dispose();
    await subscription;
    await seen.assertWithRepeats(server.url, positions);
  });

  test('follows a page without gap, from its headCursor', async (t) => {
    const server = serverNow();
    const empty = '{ entries(where: { thing: PROXY, command: WHOAMI, statusCode: 1 }) { headCursor edges { cursor } } }';
    const { entries } = await query(server.url, empty);
    assert.deepEqual(entries.edges, []);
    const positions = await append(server.url, 3);
    const plain = client.connect(t, server.url);
    const seen = new Seen();
    const request = { query: entryCreated, variables: { after: entries.headCursor } };
    const subscription = subscribe(plain, request, (edge) => seen.handle(edge));
    await eventually('the entries', () => seen.has(positions));
    plain.dispose();
    await subscription;
    await seen.assertExactly(server.url, positions);
  });

  test('replays a journal from its first entry', async (t) => {
    const server = serverNow();
    const text = '{ entries(last: 1) { totalCount edges { cursor node { position } } } }';
    const { edges, totalCount } = (await query(server.url, text)).entries;
    assert.equal(edges[0].node.position, 0);
    const plain = client.connect(t, server.url);
    const positions = [0];
    for await (const { data } of plain.iterate({ query: entryCreated, variables: { after: edges[0].cursor } })) {
      positions.push(data.entryCreated.node.position);
      if (positions.length === totalCount) break;
    }
    assert.deepEqual(positions, Array.from({ length: totalCount }, (_, position) => position));
  });
}
