// The server under test: the built binary on a fresh journal, or whatever BASE_URL names.

import { startServer as start } from '../server.mjs';

export { query } from '../server.mjs';

/** How many entries a started server has; one at BASE_URL must have at least 100 from more than one user. */
export const seeded = 200;

/** Seeds a journal of its own and serves it on loopback. */
export async function startServer() {
  if (process.env.BASE_URL) return { url: process.env.BASE_URL.replace(/\/$/, ''), stop: async () => {} };
  return start({ entries: seeded });
}

/** Seeds and serves a journal for which everybody needs a token; never at BASE_URL, because tokens are made and revoked. */
export const startGuardedServer = (env = {}) => start({ entries: seeded, env: { SAMJOURNAL_AUTH: 'required', ...env } });
