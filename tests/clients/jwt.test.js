// JWTs of a real OpenID Connect issuer, which the tests start.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { freePort, startServer } from '../server.mjs';
import { Issuer, newKey } from './issuer.js';
import { databases, eventually } from './journal.js';

const whoAmI = '{ viewer { role subject account { slug } user { username } } }';

/** Sends an operation with a token; the answer has its status beside it. */
async function ask(server, token, query = whoAmI) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), ...(await response.json()) };
}

async function refused(server, token) {
  const answer = await ask(server, token);
  assert.equal(answer.status, 401, JSON.stringify(answer));
  assert.equal(answer.challenge, 'Bearer');
  assert.equal(answer.errors[0].extensions.code, 'UNAUTHENTICATED');
}

/** Forges a token: its header says what it likes, and its signature stays or goes. */
function forged(token, header, signature) {
  const [, payload, own] = token.split('.');
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), payload, signature ?? own].join('.');
}

for (const { name, databaseURL } of databases) {
  describe(`JWTs of an OpenID Connect issuer on ${name}`, { timeout: 300_000 }, () => {
    let issuer, server, first, early;
    before(async () => {
      issuer = new Issuer(await freePort());
      first = await newKey('first');
      await issuer.start(first);
      early = await issuer.token('auditor');
      await issuer.stop(); // the server has to start without it
      server = await startServer({
        databaseURL,
        env: {
          SAMJOURNAL_AUTH: 'required',
          SAMJOURNAL_OIDC_ISSUERS: issuer.url,
          SAMJOURNAL_OIDC_AUDIENCES: 'journal',
          SAMJOURNAL_OIDC_OPERATORS: `${issuer.url}#operator`,
          SAMJOURNAL_OIDC_SKEW: '0s',
          SAMJOURNAL_RATE_FAILED_LOGINS: '0',
        },
      });
    });
    after(async () => {
      await server.stop();
      await issuer.stop();
    });

    test('are UNAVAILABLE while the issuer cannot be reached, and good when it is back', async () => {
      const answer = await ask(server, early);
      assert.equal(answer.status, 503, JSON.stringify(answer));
      assert.equal(answer.errors[0].extensions.code, 'UNAVAILABLE');
      await issuer.start(first);
      await eventually('the issuer is found', async () => (await ask(server, early)).status === 200);
    });

    test('say who the viewer is', async () => {
      const { data } = await ask(server, await issuer.token('auditor'));
      const auditor = { role: 'AUDITOR', subject: `${issuer.url}#auditor`, account: { slug: 'default' }, user: null };
      assert.deepEqual(data.viewer, auditor);
      assert.equal((await ask(server, await issuer.token('operator'))).data.viewer.role, 'OPERATOR');
    });

    test('let each role do what it may', async () => {
      const input = `{ username: "${issuer.username}", request: 1, response: 1 }`;
      const create = `mutation { createEntry(input: ${input}) { created entry { id } } }`;
      const written = await ask(server, await issuer.token('writer'), create);
      assert.deepEqual(written.data, { createEntry: { created: true, entry: null } });
      const read = '{ entries { totalCount } }';
      assert.equal((await ask(server, await issuer.token('writer'), read)).errors[0].extensions.code, 'FORBIDDEN');
      await eventually('the reader is alice', async () =>
        (await ask(server, await issuer.token('reader'), read)).data.entries.totalCount === 1);
    });

    test('open a WebSocket', async () => {
      const connectionParams = async () => ({ Authorization: `Bearer ${await issuer.token('auditor')}` });
      const url = `${server.url.replace('http', 'ws')}/graphql`;
      const client = createClient({ url, webSocketImpl: WebSocket, connectionParams });
      const { value } = await client.iterate({ query: whoAmI }).next();
      assert.equal(value.data.viewer.role, 'AUDITOR');
      await client.dispose();
    });

    test('are refused when they are for another service, without a role, expired or forged', async () => {
      const good = await issuer.token('auditor');
      await refused(server, await issuer.token('auditor', 'urn:another'));
      await refused(server, await issuer.token('nobody'));
      await refused(server, forged(good, { alg: 'none', typ: 'at+jwt' }, ''));
      await refused(server, forged(good, { alg: 'HS256', typ: 'at+jwt', kid: 'first' }));
      await refused(server, forged(good, { alg: 'RS256', typ: 'at+jwt', kid: 'unknown' }));
      const short = await issuer.token('auditor', 'urn:journal:short');
      await eventually('it expires', async () => (await ask(server, short)).status === 401);
      await refused(server, short);
    });

    test('are refused when another key signed them, until the issuer has that key', async () => {
      const second = await newKey('second');
      const port = new URL(issuer.url).port;
      await issuer.stop();
      const impostor = new Issuer(port);
      await impostor.start({ ...second, kid: 'first' });
      const forgery = await impostor.token('auditor');
      await impostor.stop();
      await refused(server, forgery);
      await issuer.start(second, first);
      const rotated = await issuer.token('auditor');
      await eventually('the new key is found', async () => (await ask(server, rotated)).status === 200);
      await refused(server, forgery);
    });
  });
}
