// Starts the issuer of issuer.mjs, and gets tokens of it.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import process from 'node:process';
import { exportJWK, generateKeyPair } from 'jose';

/** A private key for an issuer. */
export async function newKey(kid) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' };
}

export class Issuer {
  #child;
  #port;

  constructor(port) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    /** The user that its tokens name: one that no journal has yet. */
    this.username = `alice ${randomBytes(4).toString('hex')}`;
  }

  /** Starts it with these keys; the first one signs. */
  async start(...keys) {
    const script = path.join(import.meta.dirname, 'issuer.mjs');
    this.#child = spawn(process.execPath, [script, String(this.#port), this.username], {
      env: { PATH: process.env.PATH, JWKS: JSON.stringify({ keys }) }, stdio: ['ignore', 'pipe', 'ignore'],
    });
    for await (const text of this.#child.stdout) if (text.includes('ready')) return;
    throw new Error('the issuer has ended');
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }

  /** A token for a role. */
  async token(role, resource = 'urn:journal') {
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials', client_id: role, client_secret: 'secret of an issuer that lives for a test', resource,
      }),
    });
    const { access_token: token, ...rest } = await response.json();
    if (!token) throw new Error(JSON.stringify(rest));
    return token;
  }
}
