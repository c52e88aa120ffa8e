// The console in a real browser, against a real server.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import axe from 'axe-core';
import { keep, places, positions, rows, suite } from './console.js';
import { openLine } from '../line.mjs';
import { eventually } from './playground.js';
import { query } from './server.js';

const createOne = 'mutation ($input: CreateEntryInput!) { createEntry(input: $input) { key position } }';

async function append(url, input = {}) {
  const variables = { input: { username: 'carol', thing: 'ACCOUNT', command: 'GET', request: { a: 1 }, response: null, ...input } };
  return (await query(url, createOne, variables)).createEntry;
}

for (const { name: database, start, startGuarded } of places) describe(`Console on ${database}`, { timeout: 300_000 }, () => {
  const server = suite(start);
  const { visit } = server;

  test('shows the newest entries, and loads nothing from elsewhere', async (t) => {
    const { page, problems, response } = await visit(t);
    await rows(page).first().waitFor();
    const shown = await positions(page);
    assert.deepEqual(shown, [...shown].sort((a, b) => b - a));
    const policy = response.headers()['content-security-policy'];
    assert.match(policy, /default-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe/);
    await page.locator('.histogram canvas').waitFor();
    await keep(page, 'console');
    assert.deepEqual(problems, []);
  });

  test('reads on as one scrolls, to the first entry', async (t) => {
    const { page, problems } = await visit(t);
    await rows(page).first().waitFor();
    const scroller = page.locator('.scroller');
    await eventually('the first entry', async () => {
      await scroller.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
      return positions(page);
    }, (shown) => shown.includes(0));
    assert.ok((await rows(page).count()) < 60, 'only what is in sight is in the page');
    assert.deepEqual(problems, []);
  });

  test('keeps its filters in the address, which can be shared', async (t) => {
    await append(server.url, { username: 'filter me', statusCode: 503 });
    const { page, problems } = await visit(t);
    await page.getByLabel('Status', { exact: true }).selectOption('SERVER_ERROR');
    await page.getByLabel('User').fill('filter me');
    await page.getByLabel('User').press('Enter');
    await eventually('one entry', () => page.locator('.filters output').innerText(), (text) => text === '1 entry');
    assert.match(page.url(), /status=SERVER_ERROR/);
    const shared = await visit(t, { address: new URL(page.url()).search });
    await eventually('the same', () => shared.page.locator('.filters output').innerText(), (text) => text === '1 entry');
    await page.goBack();
    await eventually('fewer filters', () => page.getByLabel('User').inputValue(), (value) => value === '');
    await page.getByRole('button', { name: 'Clear' }).click();
    assert.equal(new URL(page.url()).search, '');
    assert.deepEqual(problems, []);
  });

  test('finds entries by what is in them, those that come too', async (t) => {
    const found = { request: { prompt: 'why is the quokka smiling' } };
    await append(server.url, found);
    await append(server.url, { response: { answer: 'a QUOKKA always does' } });
    await append(server.url, { request: { prompt: 'and the wombat' } });
    const { page, problems } = await visit(t);
    await rows(page).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('quokka');
    await page.keyboard.press('Enter');
    const count = () => page.locator('.filters output').innerText();
    await eventually('both', count, (text) => text === '2 entries');
    assert.equal(new URL(page.url()).searchParams.get('search'), 'quokka');
    assert.equal(await rows(page).count(), 2);
    const { position } = await append(server.url, found);
    await rows(page).locator('.position', { hasText: new RegExp(`^${position}$`) }).waitFor();
    await eventually('all three', count, (text) => text === '3 entries');
    const shared = await visit(t, { address: '/?search="quokka+smiling"' });
    await eventually('the phrase', () => shared.page.locator('.filters output').innerText(), (text) => text === '2 entries');
    assert.deepEqual([...problems, ...shared.problems], []);
  });

  test('shows all of an entry, and goes on from it by mouse and keyboard', async (t) => {
    const first = await append(server.url, { username: 'dora', request: { deep: { er: ['needle', 1.5, null] } } });
    const second = await append(server.url, { username: 'emil' });
    const { page, problems } = await visit(t, { address: `/?entry=${first.key}` });
    const detail = page.getByRole('complementary', { name: 'Entry' });
    await detail.getByRole('heading', { name: 'dora got Account' }).waitFor();
    await page.getByLabel('Find in the request').fill('needle');
    await detail.locator('mark', { hasText: 'needle' }).waitFor();
    await detail.getByText('1 found').waitFor();
    await keep(page, 'console-entry');
    await detail.getByRole('button', { name: 'Next position' }).click();
    await detail.getByRole('heading', { name: 'emil got Account' }).waitFor();
    assert.match(page.url(), new RegExp(second.key));
    await page.locator('.row[aria-current="true"]').waitFor();
    await page.keyboard.press('j');
    await detail.getByRole('heading', { name: 'dora got Account' }).waitFor();
    await page.keyboard.press('k');
    await detail.getByRole('heading', { name: 'emil got Account' }).waitFor();
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-key')), second.key, 'the focus is back');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'filter-search');
    assert.deepEqual(problems, []);
  });

  test('shows an entry within a second of its creation, and moves nothing that is being read', async (t) => {
    const { page, problems } = await visit(t);
    await rows(page).first().waitFor();
    await eventually('live', () => page.getByRole('switch', { name: 'Live' }).isChecked(), Boolean);
    await page.waitForTimeout(500); // the subscription is on its way
    const { position } = await append(server.url);
    const began = Date.now();
    await rows(page).locator('.position', { hasText: new RegExp(`^${position}$`) }).waitFor();
    assert.ok(Date.now() - began < 1000, `it took ${Date.now() - began} ms`);
    const scroller = page.locator('.scroller');
    await scroller.evaluate((element) => element.scrollTo({ top: 800 }));
    await eventually('scrolled', () => scroller.evaluate((element) => element.scrollTop), (top) => top === 800);
    await eventually('the rows there', () => positions(page), (shown) => !shown.includes(position));
    const reading = await positions(page);
    const hidden = await append(server.url);
    await page.getByRole('button', { name: '1 new entry' }).waitFor();
    assert.deepEqual(await positions(page), reading);
    await page.getByRole('button', { name: '1 new entry' }).click();
    await rows(page).locator('.position', { hasText: new RegExp(`^${hidden.position}$`) }).waitFor();
    assert.deepEqual(problems, []);
  });

  test('makes a filter of a stretch of time that is marked in the histogram', async (t) => {
    const { page, problems } = await visit(t);
    await page.locator('.histogram canvas').waitFor();
    const box = await page.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width / 4, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await eventually('the address', async () => new URL(page.url()).searchParams, (search) => search.has('from') && search.has('to'));
    const { from, to } = Object.fromEntries(new URL(page.url()).searchParams);
    const where = { createdAtGTE: from, createdAtLT: to };
    const counted = await query(server.url, 'query ($where: EntryWhereInput) { entryStats(where: $where) { totalCount } }', { where });
    const text = `${counted.entryStats.totalCount} entries`;
    await eventually('the number of the stretch', () => page.locator('.filters output').innerText(), (shown) => shown === text);
    assert.deepEqual(problems, []);
  });

  test('has an overview from which one goes on', async (t) => {
    const { page, problems } = await visit(t, { address: '/?page=overview' });
    const all = await query(server.url, '{ entryStats { totalCount } }');
    const entries = page.locator('.figures dd').first();
    await eventually('the total', async () => Number((await entries.innerText()).replace(/\D/g, '')), (n) => n >= all.entryStats.totalCount);
    await keep(page, 'console-overview');
    await page.getByRole('button', { name: 'Client error' }).click();
    assert.match(page.url(), /\?status=CLIENT_ERROR/);
    await rows(page).first().waitFor();
    await page.goBack();
    await page.locator('.top').filter({ hasText: 'Things' }).getByRole('button').first().click();
    assert.match(page.url(), /\?thing=/);
    await rows(page).first().waitFor();
    assert.deepEqual(problems, []);
  });

  // What a page looks like does not depend on the database.
  for (const colorScheme of start === places[0].start ? ['light', 'dark'] : []) {
    for (const [what, address, ready] of [
      ['an entry', '/', '.row'],
      ['nothing found', '/?user=nobody+at+all', '.state'],
      ['an error', '/?since=yesterday', '.failed'],
      ['the overview', '/?page=overview', '.figures'],
    ]) {
      test(`has no serious barrier: ${what}, ${colorScheme}`, async (t) => {
        const { page } = await visit(t, { address, colorScheme });
        await page.locator(ready).first().waitFor();
        if (what === 'an entry') {
          await rows(page).first().click();
          await page.locator('.payload').first().waitFor();
        }
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]), []);
      });
    }
  }

  test('says that the connection is lost, and misses nothing when it is back', async (t) => {
    const line = await openLine(server.url);
    t.after(() => line.close());
    const { page } = await visit(t, { url: line.url });
    await rows(page).first().waitFor();
    const { position } = await append(server.url);
    await rows(page).locator('.position', { hasText: new RegExp(`^${position}$`) }).waitFor();
    await line.cut();
    await page.getByText('Connection lost, trying again').waitFor();
    await append(server.url);
    await page.locator('.scroller').evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
    await line.mend();
    await page.getByText('Connection lost, trying again').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually('the first entry', () => positions(page), (shown) => shown.includes(0));
    await page.getByRole('button', { name: '1 new entry' }).click();
    await eventually('the new one, once, and the one before it', () => positions(page), (shown) =>
      shown[0] === position + 1 && shown[1] === position && new Set(shown).size === shown.length);
  });

  test('shows and copies numbers as they were written', async (t) => {
    const request = '{"id": 12345678901234567890, "plain": 7, "price": 1.10, "text": "1.10"}';
    const variables = `{"input": {"request": ${request}, "response": null}}`;
    const { createEntry: { key } } = await query(server.url, createOne, variables);
    const { page, problems } = await visit(t, { address: `/?entry=${key}`, permissions: ['clipboard-read', 'clipboard-write'] });
    const payload = page.getByRole('region', { name: 'Request' });
    await payload.getByText('12345678901234567890', { exact: true }).waitFor();
    assert.deepEqual(await payload.locator('.json.number').allInnerTexts(), ['12345678901234567890', '7', '1.10']);
    await payload.getByRole('button', { name: 'Copy' }).click();
    await payload.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied.replace(/\s+/g, ' '), request.replace('{', '{ ').replace('}', ' }'));
    assert.deepEqual(problems, []);
  });

  test('fits a phone', async (t) => {
    const { page, problems } = await visit(t, { viewport: { width: 360, height: 740 } });
    await rows(page).first().waitFor();
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(await wide(), 0);
    await rows(page).first().click();
    await page.locator('.payload').first().waitFor();
    assert.equal(await wide(), 0);
    await keep(page, 'console-phone');
    assert.deepEqual(problems, []);
  });

  test('asks for a token where one is needed, and keeps it in memory only', async (t) => {
    const guarded = await startGuarded();
    t.after(() => guarded.stop());
    const token = await guarded.token('auditor');
    const { page } = await visit(t, { url: guarded.url });
    await page.getByLabel('API token or JWT').fill('sjt_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'does not accept' }).waitFor();
    await page.getByLabel('API token or JWT').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await rows(page).first().waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    assert.ok(!kept.includes('sjt_'), kept);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });
});
