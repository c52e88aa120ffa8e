// The server under test: the built binary on a journal of its own, for the tests of every npm project here.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const binary = path.resolve(process.env.SAMJOURNAL_BIN ?? path.join(here, '../bin/samjournal'));
const readyWithin = 60_000;
const stopWithin = 15_000;

export async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

function start(args, env) {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: [], stderr: [] };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => output[name].push(text));
  }
  // close comes after exit, when all output has been read.
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { child, ended, stdout: () => output.stdout.join(''), stderr: () => output.stderr.join('') };
}

/** Runs a command of the binary to its end and returns what it printed; fails unless it succeeds. */
export async function run(args, env = {}) {
  await access(binary).catch(() => {
    throw new Error(`${binary} is not there: run 'make build', or name a binary with SAMJOURNAL_BIN`);
  });
  const command = start(args, env);
  const code = await command.ended;
  if (code !== 0) throw new Error(`samjournal ${args.join(' ')} ended with ${code}:\n${command.stderr()}`);
  return command.stdout();
}

/** A server that can be stopped, killed and started again, always on the same port and journal. */
class Server {
  #env;
  #directory;
  #process;

  constructor(port, env, directory) {
    this.url = `http://127.0.0.1:${port}`;
    this.#env = env;
    this.#directory = directory;
  }

  async start() {
    this.#process = start(['serve'], this.#env);
    try {
      await this.#untilReady(this.#process);
    } catch (error) {
      this.#process.child.kill('SIGKILL');
      throw error;
    }
  }

  /** Sends SIGTERM and fails unless the server ends well. */
  async end() {
    const { child, ended, stderr } = this.#process;
    child.kill('SIGTERM');
    const overdue = setTimeout(() => child.kill('SIGKILL'), stopWithin);
    const code = await ended;
    clearTimeout(overdue);
    if (code !== 0) throw new Error(`samjournal serve ended with ${code} after SIGTERM:\n${stderr()}`);
  }

  /** kill -9. */
  async kill() {
    this.#process.child.kill('SIGKILL');
    await this.#process.ended;
  }

  /** Ends the server, if it still runs, and removes its journal. */
  async stop() {
    const { exitCode, signalCode } = this.#process.child;
    if (exitCode === null && signalCode === null) await this.end();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Adds generated entries until the journal has at least so many; one that only tokens may read is new, and so empty. */
  async seed(entries) {
    if (entries === 0) return;
    if (this.#env.SAMJOURNAL_AUTH === 'required') return this.grow(entries);
    const { entries: { totalCount } } = await query(this.url, '{ entries(first: 0) { totalCount } }');
    if (totalCount < entries) await this.grow(entries - totalCount);
  }

  /** Adds so many generated entries from another process; the server need not run. */
  async grow(count) {
    await run(['seed', '--append', '--entries', String(count)], this.#env);
  }

  /** Creates an account. */
  async account(slug) {
    await run(['account', 'create', slug], this.#env);
  }

  /** Creates a token, from another process; rest are flags such as user and expires. */
  async token(role, { account = 'default', name = role, ...rest } = {}) {
    const flags = Object.entries({ role, account, name, ...rest }).map(([flag, value]) => `--${flag}=${value}`);
    return (await run(['token', 'create', ...flags], this.#env)).trim().split('\n').at(-1);
  }

  /** Revokes the tokens of this name, from another process. */
  async revoke(name, account = 'default') {
    const list = await run(['token', 'list', `--account=${account}`], this.#env);
    const ids = list.split('\n').map((line) => line.split(/ {2,}/)).filter((columns) => columns[2] === name).map(([id]) => id);
    if (ids.length === 0) throw new Error(`no token ${name} in:\n${list}`);
    for (const id of ids) await run(['token', 'revoke', `--account=${account}`, id], this.#env);
  }

  async #untilReady({ child, stderr }) {
    const deadline = Date.now() + readyWithin;
    while (Date.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`samjournal serve ended with ${child.exitCode}:\n${stderr()}`);
      try {
        const response = await fetch(`${this.url}/readyz`);
        if (response.ok) return;
      } catch {
        // Not listening yet.
      }
      await delay(50);
    }
    throw new Error(`samjournal serve was not ready within ${readyWithin} ms:\n${stderr()}`);
  }
}

/** Serves, on loopback, the journal at databaseURL, or a new one in SQLite, with at least so many entries; env configures it. */
export async function startServer({ entries = 0, databaseURL, env: settings = {} } = {}) {
  await run(['version']);
  const directory = await mkdtemp(path.join(tmpdir(), 'samjournal-test-'));
  const port = await freePort();
  const own = { DATABASE_URL: databaseURL ?? `file:${directory}/samjournal.db`, SAMJOURNAL_LISTEN: `127.0.0.1:${port}` };
  const env = { ...settings, ...own };
  const server = new Server(port, env, directory);
  await server.start();
  await server.seed(entries);
  return server;
}

/** Sends one request to the API, with nobody's client library. */
export async function query(url, text, variables = {}, headers = {}) {
  // Variables given as text are sent as they are: a JavaScript number would lose digits.
  const written = typeof variables === 'string' ? variables : JSON.stringify(variables);
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
    body: `{"query": ${JSON.stringify(text)}, "variables": ${written}}`,
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
