// Draws the pictures of the console that the README and docs show: node pictures.js [DIRECTORY]. Look at each before committing it.

import path from 'node:path';
import { argv } from 'node:process';
import { startServer } from '../server.mjs';
import { rows } from './console.js';
import { launchBrowser } from './playground.js';
import { query } from './server.js';

const [, , directory = path.join(import.meta.dirname, '../../docs/images')] = argv;

const create = 'mutation ($input: CreateEntryInput!) { createEntry(input: $input) { key } }';
const apply = {
  username: 'alice',
  thing: 'PLUGIN',
  command: 'APPLY',
  statusCode: 200,
  request: {
    method: 'POST',
    path: '/api/v1/cli/apply',
    META: { HTTP_AUTHORIZATION: 'Token 1f2e3d', HTTP_USER_AGENT: 'smarter/0.13 (linux)' },
    manifest: {
      apiVersion: 'smarter.sh/v1',
      kind: 'Plugin',
      metadata: { name: 'weather-forecast', version: '1.4.0', tags: ['weather', 'example'] },
      spec: { prompt: { provider: 'openai', model: 'gpt-4o-mini', temperature: 0.5, maxTokens: 2048 } },
    },
  },
  response: { data: { ready: true }, message: 'Plugin weather-forecast applied successfully', api: 'smarter.sh/v1' },
};

const desk = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };

const server = await startServer({ entries: 10_000 });
const browser = await launchBrowser();

/** Opens the console, waits until it is drawn, and takes its picture. */
async function draw(name, address, options, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: desk, deviceScaleFactor: 1, colorScheme: 'light', ...options });
  const page = await context.newPage();
  await page.goto(`${server.url}${address}`);
  await page.locator('.histogram .classes li').first().waitFor();
  await prepare(page);
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
  await page.screenshot({ path: path.join(directory, `${name}.png`) });
  await context.close();
}

try {
  const { createEntry: { key } } = await query(server.url, create, { input: apply });
  const detail = (page) => page.locator('.payload .json').first().waitFor();
  const all = '/?since=P30D';
  await draw('console', `${all}&entry=${key}`, {}, detail);
  await draw('console-overview', '/?page=overview', {}, (page) => page.locator('.figures').waitFor());
  await draw('console-dark', `${all}&status=CLIENT_ERROR%2CSERVER_ERROR`, { colorScheme: 'dark' }, async (page) => {
    await rows(page).nth(2).click();
    await detail(page);
  });
  await draw('console-phone', all, { viewport: phone, deviceScaleFactor: 2 }, (page) => rows(page).first().waitFor());
} finally {
  await browser.close();
  await server.stop();
}
