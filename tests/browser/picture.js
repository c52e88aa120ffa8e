// Draws the README's picture: node picture.js FILE. Shows a subscription that has just received entries.

import { argv } from 'node:process';
import { eventually, launchBrowser, Playground } from './playground.js';
import { query, startServer } from './server.js';

const [, , file = '../../docs/images/playground.png'] = argv;

const create = 'mutation ($input: CreateEntryInput!) { createEntry(input: $input) { key } }';
const operations = [
  { username: 'dana', thing: 'SECRET', command: 'DESCRIBE', statusCode: 404 },
  { username: 'bob', thing: 'LLM_CLIENT', command: 'DEPLOY', statusCode: 200 },
  { username: 'carol', thing: 'PROMPT', command: 'PROMPT', statusCode: 200 },
  { username: 'alice', thing: 'PLUGIN', command: 'APPLY', statusCode: 200 },
];

const server = await startServer();
const browser = await launchBrowser();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  const playground = await Playground.open(context, server.url);
  await playground.tab('NewEntries');
  await playground.press();
  await playground.status().getByText('Connected').waitFor();
  for (const operation of operations) {
    await query(server.url, create, { input: { ...operation, request: { method: 'POST' }, response: { ok: true } } });
  }
  await eventually('all entries', () => playground.arrivals(), (lines) => lines.length === operations.length);
  await eventually('the last one drawn', () => playground.shown(), (text) => text.includes('alice applied'));
  // Scroll bars show for a moment after a change.
  await playground.page.mouse.move(900, 500);
  const bars = playground.page.locator('.graphiql-query-editor .scrollbar.visible');
  await eventually('the scroll bars to go', () => bars.count(), (number) => number === 0);
  await playground.page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
  await playground.page.screenshot({ path: file });
} finally {
  await browser.close();
  await server.stop();
}
