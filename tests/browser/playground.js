// The Playground as a person uses it: open it, choose a tab, run, read the result.

import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const executable = process.env.CHROMIUM ?? '/usr/bin/chromium';
const patience = 20_000;

export async function launchBrowser() {
  await access(executable).catch(() => {
    throw new Error(`${executable} is not there: apt-get install -y chromium (or name another one with CHROMIUM)`);
  });
  // Playwright gives each launch a user data directory of its own and removes it.
  return chromium.launch({
    executablePath: executable,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Reads until wanted holds for what was read, and returns it. */
export async function eventually(what, read, wanted) {
  const deadline = Date.now() + patience;
  let last;
  do {
    last = await read();
    if (wanted(last)) return last;
    await delay(25);
  } while (Date.now() < deadline);
  throw new Error(`waited ${patience} ms for ${what}; last was ${JSON.stringify(last)}`);
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Notes everything that a correct page never does: errors, violations of its security policy, requests to elsewhere. */
export function watch(page) {
  const problems = [];
  const visit = (address) => {
    const { protocol, hostname } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:' && !loopback.has(hostname)) problems.push(`request to ${address}`);
  };
  page.on('request', (request) => visit(request.url()));
  page.on('websocket', (socket) => visit(socket.url()));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    if (reason !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()} ${reason}`); // the page asks something else by now
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} for ${response.url()}`);
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('crash', () => problems.push('the page crashed'));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`${message.type()}: ${message.text()}`);
  });
  return problems;
}

export class Playground {
  constructor(page, problems, response) {
    this.page = page;
    this.problems = problems;
    this.response = response;
  }

  /** Opens the Playground of the server at url in a new browser tab. */
  static async open(context, url) {
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    const problems = watch(page);
    const response = await page.goto(`${url}/playground/`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await page.locator('.graphiql-execute-button').waitFor();
    return new Playground(page, problems, response);
  }

  /** What belongs to the token. */
  access() {
    return this.page.getByRole('region', { name: 'Access' });
  }

  tokenField() {
    return this.page.getByLabel('API token or JWT');
  }

  /** Puts a token, and for operators an account, into the panel, which is open, and has them used. */
  async useToken(token, account = '') {
    await this.tokenField().fill(token);
    await this.page.getByLabel('Account (operators only)').fill(account);
    await this.access().getByRole('button', { name: 'Use', exact: true }).click();
  }

  /** The button that opens and closes the panel, when it says this. */
  accessButton(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Opens the documentation, which is empty while no schema is known. */
  async documentation() {
    await this.page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    return this.page.locator('.graphiql-doc-explorer');
  }

  /** Goes to the tab with this title. */
  async tab(title) {
    await this.page.locator('.graphiql-tab-button', { hasText: title }).click();
    const operation = () => this.text('operation.graphql');
    await eventually(`the operation ${title} in the editor`, operation, (text) => text.includes(` ${title}`));
  }

  tabs() {
    return this.page.locator('.graphiql-tab-button').allTextContents();
  }

  /** The text of one of the editors: operation.graphql, variables.json or response.json. */
  text(name) {
    return this.page.evaluate(
      (wanted) => globalThis.__MONACO.editor.getModels().find((model) => model.uri.path.endsWith(wanted)).getValue(),
      name,
    );
  }

  /** Replaces the text of an editor, as pasting over it does (typing would meet the editor's closing of brackets). */
  async write(name, text) {
    await this.page.evaluate(
      ([wanted, value]) => globalThis.__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(wanted)).setValue(value),
      [name, text],
    );
  }

  async press() {
    await this.page.locator('.graphiql-execute-button').click();
  }

  /** Runs the tab's operation and returns its whole result. */
  async run() {
    await this.press();
    return this.result();
  }

  async turnPage() {
    await this.page.getByTestId('next-page').click();
    return this.result();
  }

  /** Waits for a result for which wanted holds, and returns it. A run empties the pane at once, so no old one is taken. */
  async result(wanted = () => true) {
    const text = await eventually(
      `a result for which ${wanted} holds`,
      () => this.text('response.json'),
      (candidate) => candidate !== '' && wanted(JSON.parse(candidate)),
    );
    return JSON.parse(text);
  }

  /** What is on the screen in the result pane. */
  async shown() {
    const text = await this.page.locator('.graphiql-response .view-lines').innerText();
    return text.replaceAll('\u00a0', ' ');
  }

  status() {
    return this.page.getByRole('status');
  }

  arrivals() {
    return this.page.locator('.subscription-arrivals li span').allTextContents();
  }
}
