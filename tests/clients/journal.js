// What the tests of every client share: a journal to read, entries to append, and the truth to compare with.

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { query, startServer } from '../server.mjs';

export { query, run } from '../server.mjs';

/** How many entries a journal has at least when a test begins. */
const seeded = 300;
const patience = 20_000;

export const databases = [{ name: 'SQLite' }];
if (process.env.DATABASE_URL_POSTGRES) databases.push({ name: 'PostgreSQL', databaseURL: process.env.DATABASE_URL_POSTGRES });

/** Describes what a client can do on each database; start gives a running server that the suite's end stops. */
export function onEachDatabase(client, tests) {
  for (const { name, databaseURL } of databases) {
    describe(`${client} on ${name}`, { timeout: 300_000 }, () => tests(() => startServer({ entries: seeded, databaseURL })));
  }
}

const appendMany = `mutation ($inputs: [CreateEntryInput!]!) {
  createEntries(inputs: $inputs) {
    results {
      ... on CreateEntryPayload { key position created edge { cursor node { id } } }
      ... on CreateEntryError { code message path }
    }
  }
}`;

/** Appends so many entries and gives their positions, in order. */
export async function append(url, count = 1, input = {}) {
  const one = { username: 'carol', thing: 'ACCOUNT', command: 'GET', request: { from: 'tests/clients' }, response: null };
  const inputs = Array.from({ length: count }, () => ({ ...one, ...input }));
  const { createEntries } = await query(url, appendMany, { inputs });
  for (const result of createEntries.results) assert.equal(result.created, true, JSON.stringify(result));
  return createEntries.results.map(({ position }) => position);
}

/** The cursor of the journal's end. */
export async function headCursor(url) {
  return (await query(url, '{ entries(first: 0) { headCursor } }')).entries.headCursor;
}

/** The ids of all entries that match, newest first, read in one way that no client here uses: by ranges of positions. */
export async function idsOf(url, where = {}) {
  const { entries } = await query(url, '{ entries(first: 1) { edges { node { position } } } }');
  const ids = [];
  for (let top = entries.edges[0].node.position; top >= 0; top -= 500) {
    const range = { and: [where, { positionLTE: top, positionGT: top - 500 }] };
    const text = 'query ($where: EntryWhereInput) { entries(first: 500, where: $where) { edges { node { id } } } }';
    const page = await query(url, text, { where: range });
    ids.push(...page.entries.edges.map(({ node }) => node.id));
  }
  return ids;
}

/** Waits until check gives something true, and gives that. */
export async function eventually(what, check) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${patience} ms for ${what}`);
    await delay(10);
  }
}
