// The server under test: the built binary on a fresh journal, or whatever BASE_URL names.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const binary = process.env.SAMJOURNAL_BIN ?? path.join(here, '../../bin/samjournal');
const readyWithin = 60_000;
const stopWithin = 15_000;

/** How many entries a started server has; one at BASE_URL must have at least 100 from more than one user. */
export const seeded = 200;

async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

function start(args, env) {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => output.push(text));
  }
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  return { child, exited, output: () => output.join('') };
}

async function waitUntilReady(url, { child, output }) {
  const deadline = Date.now() + readyWithin;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`samjournal serve ended with ${child.exitCode}:\n${output()}`);
    try {
      const response = await fetch(`${url}/readyz`);
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await delay(50);
  }
  throw new Error(`samjournal serve was not ready within ${readyWithin} ms:\n${output()}`);
}

async function stop({ child, exited, output }) {
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), stopWithin);
  const code = await exited;
  clearTimeout(overdue);
  if (code !== 0) throw new Error(`samjournal serve ended with ${code} after SIGTERM:\n${output()}`);
}

/** Seeds a journal in a directory of its own and serves it on loopback. */
export async function startServer() {
  if (process.env.BASE_URL) return { url: process.env.BASE_URL.replace(/\/$/, ''), stop: async () => {} };
  await access(binary).catch(() => {
    throw new Error(`${binary} is not there: run 'make build', or name a binary with SAMJOURNAL_BIN`);
  });
  const directory = await mkdtemp(path.join(tmpdir(), 'samjournal-browser-'));
  const port = await freePort();
  const env = { DATABASE_URL: `file:${directory}/samjournal.db`, SAMJOURNAL_LISTEN: `127.0.0.1:${port}` };
  const seed = start(['seed', '--entries', String(seeded)], env);
  const code = await seed.exited;
  if (code !== 0) throw new Error(`samjournal seed ended with ${code}:\n${seed.output()}`);
  const server = start(['serve'], env);
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitUntilReady(url, server);
  } catch (error) {
    server.child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    stop: async () => {
      await stop(server);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Sends one request to the API without a browser. */
export async function query(url, text, variables = {}) {
  // Variables given as text are sent as they are: a JavaScript number would lose digits.
  const written = typeof variables === 'string' ? variables : JSON.stringify(variables);
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: `{"query": ${JSON.stringify(text)}, "variables": ${written}}`,
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
