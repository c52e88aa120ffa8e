// The console as a person uses it.

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before } from 'node:test';
import { databases } from '../databases.mjs';
import { launchBrowser, watch } from './playground.js';
import { seeded, startGuardedServer, startServer as startSeeded } from './server.js';
import { startServer } from '../server.mjs';

const screenshots = process.env.SCREENSHOT_DIR ?? path.join(import.meta.dirname, '../../test-results/browser');

/**
 * Where the console is tested: at BASE_URL, or with a server on each database that there is. A server for which everybody needs
 * a token is never the one at BASE_URL, because tokens are made and revoked.
 */
export const places = process.env.BASE_URL
  ? [{ name: 'the server at BASE_URL', start: () => startSeeded(), startGuarded: (env) => startGuardedServer(env) }]
  : databases.map(({ name, create }) => ({
      name,
      start: () => startOn(create),
      startGuarded: (env = {}) => startOn(create, { env: { SAMJOURNAL_AUTH: 'required', ...env } }),
    }));

/** Serves a new database with so many entries. */
async function startOn(create, { entries = seeded, env = {} } = {}) {
  const database = await create();
  const server = await startServer({ entries, databaseURL: database.url, env });
  const stop = async () => {
    await server.stop();
    await database.remove();
  };
  return { url: server.url, stop, token: (...args) => server.token(...args) };
}

/** A browser and a server for the tests of a suite, and the visits to it. */
export function suite(start) {
  let server;
  let browser;
  before(async () => {
    browser = await launchBrowser();
    server = await start().catch(async (error) => {
      await browser.close();
      throw error;
    });
    await mkdir(screenshots, { recursive: true });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  return {
    get url() {
      return server.url;
    },
    get browser() {
      return browser;
    },
    token: (...args) => server.token(...args),
    /** A visitor who was never here, with the console open. */
    async visit(t, { address = '/', url = server.url, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      t.after(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const problems = watch(page);
      const response = await page.goto(`${url}${address}`);
      return { page, problems, response };
    },
  };
}

/** Keeps what the page looks like, for whoever wants to see it. */
export const keep = (page, name) => page.screenshot({ path: path.join(screenshots, `${name}.png`) });

/** The entries in the page, without those that are on their way. */
export const rows = (page) => page.locator('.entries button.row');

/** Their positions, as they stand. */
export const positions = async (page) => (await rows(page).locator('.position').allInnerTexts()).map(Number);

/** How many entries there are, as the page says it. */
export const total = async (page) => Number((await page.locator('.filters output').innerText()).replace(/\D/g, ''));

/** The rows in the page as they stand: the place in the list, counted from 1, and the position; nothing for one on its way. */
export const placed = (page) =>
  page.locator('.entries li').evaluateAll((items) =>
    items.map((item) => ({
      place: Number(item.getAttribute('aria-posinset')),
      position: item.querySelector('.pending') ? undefined : Number(item.querySelector('.position').textContent),
    })),
  );
