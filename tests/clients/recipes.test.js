// The recipes of docs/recipes.md, which are the files in recipes/: what they promise, while things break.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import WebSocket from 'ws';
import { openLine } from '../line.mjs';
import { startServer } from '../server.mjs';
import { databases } from '../databases.mjs';
import { Gate } from './gate.js';
import { append, eventually, idsOf, query } from './journal.js';
import { applications } from './recipes.js';

const seeded = 120; // entries, more than two pages
const page = 50; // entries that a recipe loads at first

const input = { username: 'erin', thing: 'PROVIDER', command: 'DEPLOY', request: { from: 'a recipe' }, response: null };

/** An application that follows the journal until the test ends. Its problems are those of following and of creating. */
async function open(t, name, url, gate = new Gate()) {
  const app = await applications[name](url, gate);
  const over = new AbortController();
  const problems = { follow: [], create: [] };
  const options = (of) => ({ signal: over.signal, report: (problem) => problems[of].push({ problem, at: Date.now() }) });
  const following = app.follow(options('follow'));
  t.after(async () => {
    over.abort();
    await following;
    await app.close();
  });
  const create = (index) => app.create({ ...input, response: { index } }, options('create'));
  return { app, gate, create, problems, following };
}

/** An application with its first page on the screen. */
async function show(t, name, url) {
  const opened = await open(t, name, url);
  const { app, following } = opened;
  await Promise.race([following, eventually('the first page', () => app.ids().length >= page)]);
  assert.equal(app.ids().length, page);
  return opened;
}

const size = async (url) => (await query(url, '{ entries { totalCount } }')).entries.totalCount;

/** Waits until the screen shows the newest entries of the journal, however many they are, each once and in order. */
async function assertCurrent(app, url) {
  const [newest] = await idsOf(url);
  await eventually('the newest entry', () => app.ids()[0] === newest);
  const wanted = async () => (await idsOf(url)).slice(0, app.ids().length);
  await eventually('the entries before it', async () => isDeepStrictEqual(app.ids(), await wanted())).catch(() => {});
  assert.deepEqual(app.ids(), await wanted());
}

/** The codes that the server gave as reasons, however the library shows them. */
const codesOf = (problems) =>
  problems
    .flatMap(({ problem }) => [problem, problem.errors, problem.graphQLErrors].find(Array.isArray) ?? [])
    .map(({ extensions }) => extensions.code);

/** Takes one of the server's connections; gives what leaves it. */
async function occupy(url) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  return () => socket.close();
}

/** Opens a line to the database at this address, which has a host and a port. */
async function openDatabaseLine(t, databaseURL) {
  const url = new URL(databaseURL);
  const line = await openLine(`http://${url.host}`);
  t.after(() => line.close());
  url.host = new URL(line.url).host;
  return { ...line, url: url.href };
}

/** Appends an entry now and then, until it is told to stop; gives how many. */
async function write(signal, one) {
  let written = 0;
  for (; !signal.aborted; written++) {
    await one(written);
    await delay(15);
  }
  return written;
}

// Most of the time is spent waiting.
describe('recipes', { concurrency: 3 }, () => {
  for (const { name: database, create } of databases) {
    for (const name of Object.keys(applications)) {
      describe(`the recipe for ${name} on ${database}`, { concurrency: 1, timeout: 300_000 }, () => {
        let journal;
        let server; // of the application
        let other; // where others write, on the same journal
        before(async () => {
          journal = await create();
          server = await startServer({ databaseURL: journal.url, entries: seeded });
          other = await startServer({ databaseURL: journal.url });
        });
        after(async () => {
          await server?.stop();
          await other?.stop();
          await journal?.remove();
        });

        test('has each entry once, in order, through killed and restarted servers and cut lines, while all write', async (t) => {
          const line = await openLine(server.url);
          t.after(() => line.close());
          const { app, gate, create, problems } = await show(t, name, `${line.url}/graphql`);
          const first = await size(other.url);
          const stop = new AbortController();
          t.after(() => stop.abort());
          const writing = Promise.all([write(stop.signal, () => append(other.url, 1)), write(stop.signal, create)]);
          writing.catch(() => {}); // it is awaited below, when an outage has not failed before
          const outage = async (what, lose, find) => {
            const before = app.ids().length;
            await eventually(`entries before ${what}`, () => app.ids().length > before + 3);
            await lose();
            const [at, seen] = [await size(other.url), problems.follow.length];
            await eventually(`entries during ${what}`, async () => (await size(other.url)) > at + 3);
            await eventually(`that ${what} was noticed`, () => problems.follow.length > seen);
            await find();
            await eventually(`the entries of ${what}`, () => app.ids().length >= page + at - first);
          };
          await outage('kill -9', () => server.kill(), () => server.start());
          await outage('the cut line', () => line.cut(), () => line.mend());
          await outage('the restart', () => server.end(), () => server.start());
          stop.abort();
          const [others, own] = await writing;
          const created = others + own;
          await eventually('all that arrives', () => gate.arrived.length >= created);
          await assertCurrent(app, other.url);
          assert.equal(app.ids().length, page + created);
          assert.equal(await size(other.url), first + created, 'whatever was tried again is there once');
          const all = Array.from({ length: created }, (_, index) => first + index);
          assert.deepEqual(gate.arrived, all, 'each edge was sent once: after was always the last one that was handled');
          if (!app.more) return;
          await app.more();
          await eventually('older entries', () => app.ids().length === 2 * page + created);
          await assertCurrent(app, other.url);
        });

        test('follows its first page without gap', async (t) => {
          const gate = new Gate();
          const letThrough = gate.hold('headCursor');
          const { app } = await open(t, name, `${server.url}/graphql`, gate);
          await eventually('the page, which is on its way', () => gate.heldBack > 0);
          await append(other.url, 3);
          letThrough();
          await eventually('the page', () => app.ids().length >= page);
          await eventually('what came after the page', () => app.ids().length === page + 3);
          await assertCurrent(app, other.url);
        });

        test('shows its own entry once, whether createEntry answers first or entryCreated comes first', async (t) => {
          const { app, gate, create } = await show(t, name, `${server.url}/graphql`);
          for (const [held, what] of [['entryCreated', 'the answer'], ['createEntry', 'the subscription']]) {
            const shown = app.ids().length;
            const letThrough = gate.hold(held);
            const creating = create(0);
            await eventually(`the entry by ${what}`, () => app.ids().length > shown);
            if (held === 'entryCreated') await creating;
            // Another's entry is behind the one that was held back, so it must be there when this one is.
            const [position] = await append(other.url, 1);
            if (held === 'createEntry') await eventually('the other entry', () => gate.arrived.includes(position));
            letThrough();
            await creating;
            await eventually('both ways', () => gate.arrived.includes(position));
            await assertCurrent(app, other.url);
            assert.equal(app.ids().length, shown + 2);
          }
        });

        test('appends an entry once when the answer is lost', async (t) => {
          const { app, gate, create, problems } = await show(t, name, `${server.url}/graphql`);
          gate.lose('createEntry');
          const { created } = await create(0);
          assert.equal(problems.create.length, 1);
          assert.equal(created, false, 'the first attempt had stored it');
          await eventually('the entry by the subscription', () => gate.arrived.length === 1);
          await assertCurrent(app, other.url);
          assert.equal(app.ids().length, page + 1);
        });

        test('keeps the order of positions when its own entry is answered before others have arrived', async (t) => {
          const { app, gate, create } = await show(t, name, `${server.url}/graphql`);
          const letThrough = gate.hold('entryCreated');
          const [position] = await append(other.url, 2);
          const payload = await create(0);
          assert.equal(payload.position, position + 2);
          assert.equal(app.ids().length, page + 1);
          letThrough();
          await eventually('the entries before it', () => app.ids().length === page + 3);
          await assertCurrent(app, other.url);
        });

        test('waits while the server has no room for its connection', async (t) => {
          const full = await startServer({ databaseURL: journal.url, env: { SAMJOURNAL_MAX_CONNECTIONS: '1' } });
          t.after(() => full.stop());
          const leave = await occupy(full.url);
          t.after(leave);
          const { app, problems } = await open(t, name, `${full.url}/graphql`);
          const refused = ({ problem }) => /\b4?503\b/.test(inspect(problem));
          await eventually('the refusal', () => problems.follow.some(refused));
          await append(other.url, 1);
          leave();
          await eventually('the first page', () => app.ids().length >= page);
          await append(other.url, 1);
          await assertCurrent(app, other.url);
        });

        test('reads the journal again when an older backup of it was restored', async (t) => {
          const restorable = await create();
          t.after(() => restorable.remove());
          const node = await startServer({ databaseURL: restorable.url, entries: seeded });
          t.after(() => node.stop());
          await node.end();
          await restorable.backup();
          await node.start();
          const { app, problems, create: createEntry } = await show(t, name, `${node.url}/graphql`);
          await append(node.url, 4);
          await createEntry(0);
          await eventually('the entries that will be lost', () => app.ids().length === page + 5);
          await app.more?.();
          const lost = app.ids().slice(0, 5);
          await node.end();
          await restorable.restore();
          await node.start();
          await append(node.url, 7);
          await assertCurrent(app, node.url);
          assert.ok(codesOf(problems.follow).includes('CURSOR_INVALID'));
          assert.deepEqual(lost.filter((id) => app.ids().includes(id)), []);
          await app.more?.();
          await append(node.url, 1);
          await assertCurrent(app, node.url);
        });

        if (database === 'SQLite') return; // a file does not go away

        test('waits as long as it is asked to while the database is away', async (t) => {
          const databaseLine = await openDatabaseLine(t, journal.url);
          const node = await startServer({ databaseURL: databaseLine.url });
          t.after(() => node.stop());
          const line = await openLine(node.url);
          t.after(() => line.close());
          const { app, create: createEntry, problems } = await show(t, name, `${line.url}/graphql`);
          await databaseLine.cut();
          await line.cut();
          await line.mend();
          const creating = createEntry(0);
          const unavailable = (of) => problems[of].filter((problem) => codesOf([problem]).includes('UNAVAILABLE'));
          await eventually('two refused subscriptions', () => unavailable('follow').length >= 2);
          await eventually('a refused entry', () => unavailable('create').length >= 1);
          await append(other.url, 3);
          await databaseLine.mend();
          await creating;
          await assertCurrent(app, other.url);
          assert.equal(app.ids().length, page + 4);
          const [first, second] = unavailable('follow');
          assert.ok(second.at - first.at >= 1000, 'it has waited for retryAfterMs');
        });
      });
    }
  }
});
