// The recipes with an API token: whoever holds it sees what its role and user may see.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { startServer } from '../server.mjs';
import { Gate } from './gate.js';
import { eventually, query } from './journal.js';
import { applications } from './recipes.js';
import { withToken } from './recipes/token.js';

const append = `mutation ($username: String!) {
  createEntry(input: { username: $username, request: {}, response: null }) { entry { id } }
}`;
const create = `mutation ($input: CreateTokenInput!) { createToken(input: $input) { secret token { id } } }`;
const revoke = `mutation ($id: ID!) { revokeToken(input: { id: $id }) { token { revokedAt } } }`;

describe('The recipes with a token', { timeout: 300_000 }, () => {
  let server;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const appendBy = async (username) => (await query(server.url, append, { username })).createEntry.entry.id;

  for (const name of Object.keys(applications)) {
    test(`${name} shows a reader its own entries, until the token is revoked`, { timeout: 60_000 }, async (t) => {
      const username = `reader with ${name}`;
      const input = { name, role: 'READER', username, expiresIn: 'P1D' };
      const { secret, token } = (await query(server.url, create, { input })).createToken;
      const own = [await appendBy(username)];
      await appendBy('somebody else');

      const options = withToken(async () => secret);
      const app = await applications[name](`${server.url}/graphql`, new Gate(), options);
      const over = new AbortController();
      t.after(() => over.abort());
      const following = app.follow({ signal: over.signal }).then(() => 'aborted', (problem) => problem);
      await eventually('the first page', () => app.ids().length === 1);
      await appendBy('somebody else');
      own.unshift(await appendBy(username));
      await eventually('its next entry', () => app.ids().length === 2);
      assert.deepEqual(app.ids(), own);

      await query(server.url, revoke, { id: token.id });
      assert.match(inspect(await following, { depth: 5 }), /\b4401\b|\bUNAUTHENTICATED\b/, 'it ends by itself, and says why');
      app.close();
    });
  }
});
