// The console on journals that are longer than anybody scrolls through.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { databases } from '../databases.mjs';
import { run, startServer } from '../server.mjs';
import { placed, positions, rows, suite, total } from './console.js';
import { eventually } from './playground.js';
import { query } from './server.js';
import { scriptingOfFrames } from './trace.js';

const long = process.env.SAMJOURNAL_TEST_LONG === '1';
const entries = long ? 1_000_000 : 30_000;
const leaps = long ? 200 : 20;
const mostScripting = 100; // ms a frame
const mostHeap = 48 << 20; // bytes, with the page itself and all that it has read
const createOne = 'mutation ($input: CreateEntryInput!) { createEntry(input: $input) { position } }';
const countNewer = 'query ($where: EntryWhereInput!) { entries(where: $where, first: 0) { totalCount } }';

/**
 * A journal of many entries on each database, seeded before its server starts, or in the SQLite file that SAMJOURNAL_TEST_LARGE
 * names.
 */
const journals = databases
  .filter(({ name }) => !process.env.SAMJOURNAL_TEST_LARGE || name === 'SQLite')
  .map(({ name, create }) => ({ name, start: () => startLarge(create) }));

async function startLarge(create) {
  const database = await create();
  if (process.env.SAMJOURNAL_TEST_LARGE) {
    await copyFile(process.env.SAMJOURNAL_TEST_LARGE, database.url.slice('file:'.length));
  } else {
    await run(['seed', '--entries', String(entries), '--seed=1'], { DATABASE_URL: database.url });
  }
  const server = await startServer({ databaseURL: database.url });
  const stop = async () => {
    await server.stop();
    await database.remove();
  };
  return { url: server.url, stop };
}

/** Waits until all rows in the page are read, and returns them. */
const settled = (page, what, wanted = () => true) =>
  eventually(what, () => placed(page), (items) =>
    items.length > 0 && items.every(({ position }) => position !== undefined) && wanted(items));

const scrollTo = (page, share) =>
  page.locator('.scroller').evaluate((element, part) => {
    element.scrollTop = part * (element.scrollHeight - element.clientHeight);
  }, share);

const share = (page) =>
  page.locator('.scroller').evaluate((element) => element.scrollTop / (element.scrollHeight - element.clientHeight));

const heap = async (page) => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
};

for (const { name, start } of journals) describe(`Console on a long journal on ${name}`, { timeout: 1_800_000 }, () => {
  const console_ = suite(start);
  const append = (input = {}) =>
    query(console_.url, createOne, { input: { username: 'late', thing: 'ACCOUNT', request: {}, response: null, ...input } });

  test('goes to the oldest entry and back by End and Home', async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).first().waitFor();
    const size = await total(page);
    await rows(page).first().focus();
    await page.keyboard.press('End');
    const oldest = await settled(page, 'the oldest entry', (items) => items.at(-1).position === 0);
    assert.equal(oldest.at(-1).place, size);
    await page.keyboard.press('Home');
    const newest = await settled(page, 'the newest entry', (items) => items[0].place === 1);
    assert.equal(newest[0].position, size - 1);
    assert.deepEqual(problems, []);
  });

  test('shows what lies where the scroll bar is dragged to', async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).first().waitFor();
    const size = await total(page);
    for (const part of [0.5, 0.9, 0.1, 0.999]) {
      await scrollTo(page, part);
      const items = await settled(page, `the rows at ${part}`, ([{ place }]) => Math.abs(place / size - part) < 0.01);
      for (const { place, position } of items) assert.equal(position, size - place);
    }
    assert.deepEqual(problems, []);
  });

  test('keeps the scroll bar at the share of the list that is shown', async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).first().waitFor();
    const size = await total(page);
    await scrollTo(page, 0.5);
    await settled(page, 'the middle', ([{ place }]) => Math.abs(place / size - 0.5) < 0.01);
    await page.mouse.move(400, 600);
    let last = (await placed(page)).at(-1).place;
    for (let turn = 0; turn < 30; turn += 1) {
      await page.mouse.wheel(0, 300);
      const before = last;
      last = await eventually('further rows', async () => (await placed(page)).at(-1).place, (place) => place > before);
    }
    const items = await settled(page, 'all rows');
    for (const { place, position } of items) assert.equal(position, size - place);
    await eventually('the scroll bar', async () => Math.abs((await share(page)) - items[12].place / size), (off) => off < 0.002);
    assert.deepEqual((await placed(page))[12], items[12], 'what is read does not move');
    assert.deepEqual(problems, []);
  });

  for (const [what, address, where] of [
    ['one thing', '/?thing=PLUGIN', { thing: 'PLUGIN' }],
    ['errors of many kinds', '/?status=CLIENT_ERROR,SERVER_ERROR', { statusClass: ['CLIENT_ERROR', 'SERVER_ERROR'] }],
  ]) {
    test(`finds the places of a filtered list: ${what}`, async (t) => {
      const { page, problems } = await console_.visit(t, { address });
      await rows(page).first().waitFor();
      const size = await total(page);
      for (const part of [0.5, 1, 0.25, 0]) {
        await scrollTo(page, part);
        const items = await settled(page, `the rows at ${part}`, (found) =>
          Math.abs(found[12].place / size - part) < 30 / size + 0.01);
        assert.deepEqual(items.map(({ position }) => position), items.map(({ position }) => position).toSorted((a, b) => b - a));
        for (const { place, position } of [items[0], items.at(-1)]) {
          const { entries: { totalCount } } = await query(console_.url, countNewer, { where: { ...where, positionGT: position } });
          assert.equal(place, totalCount + 1);
        }
      }
      assert.deepEqual(problems, []);
    });
  }

  test('moves nothing that is being read far from the newest entry', async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).first().waitFor();
    await scrollTo(page, 0.5);
    await eventually('the middle', () => share(page), (part) => part > 0.4);
    await settled(page, 'the middle', ([{ place }]) => place > entries / 3);
    const reading = await positions(page);
    const { createEntry: { position } } = await append();
    await page.getByRole('button', { name: '1 new entry' }).waitFor();
    assert.deepEqual(await positions(page), reading);
    await page.getByRole('button', { name: '1 new entry' }).click();
    await settled(page, 'the new entry', (items) => items[0].place === 1 && items[0].position === position);
    assert.deepEqual(problems, []);
  });

  test('goes on from an entry that has been scrolled out of the list', async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).nth(3).click();
    await page.locator('.payload').first().waitFor();
    const chosen = Number(await page.locator('.row[aria-current="true"] .position').innerText());
    await scrollTo(page, 0.5);
    await settled(page, 'the middle', ([{ place }]) => place > entries / 3);
    await page.keyboard.press('j');
    const next = page.locator('.row[aria-current="true"] .position', { hasText: new RegExp(`^${chosen - 1}$`) });
    await next.waitFor();
    assert.deepEqual(problems, []);
  });

  test(`scrolls ${entries.toLocaleString('en')} entries with less than ${mostScripting} ms of scripting a frame`, async (t) => {
    const { page, problems } = await console_.visit(t);
    await rows(page).first().waitFor();
    await page.mouse.move(400, 600);
    const before = await heap(page);
    const spent = await scriptingOfFrames(console_.browser, page, async () => {
      for (const direction of [1, -1]) {
        // By the wheel, and then in leaps to the end.
        for (let turn = 0; turn < (long ? 600 : 60); turn += 1) {
          await page.mouse.wheel(0, direction * 500);
          await page.waitForTimeout(8);
        }
        for (let step = 1; step <= leaps; step += 1) {
          const part = step / leaps;
          await scrollTo(page, direction > 0 ? part : 1 - part);
          await settled(page, 'the rows of a leap');
        }
      }
    });
    const worst = Math.max(...spent);
    const used = await heap(page);
    t.diagnostic(`${spent.length} frames, at most ${worst.toFixed(1)} ms of scripting; heap ${before >> 10} KiB, then ${used >> 10} KiB`);
    assert.ok(spent.length > 80, `${spent.length} frames`);
    assert.ok(worst > 0.5, 'the trace has scripts');
    assert.ok(worst < mostScripting, `a frame took ${worst} ms of scripting`);
    assert.ok(used < mostHeap, `the heap has ${used} bytes`);
    assert.deepEqual(problems, []);
  });
});
