// Automatic persisted queries, as Apollo Client and urql send them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { startServer } from '../server.mjs';
import { databases } from './journal.js';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

for (const { name, databaseURL } of databases) {
  describe(`Automatic persisted queries on ${name}`, { timeout: 60_000 }, () => {
    let server;
    before(async () => {
      server = await startServer({ databaseURL });
    });
    after(() => server.stop());

    /** A fetch that notes whether each request had the document's text. */
    function noting(texts) {
      return (url, options) => {
        const sent = options?.body ?? decodeURIComponent(String(url));
        texts.push(/viewer/.test(sent));
        return fetch(url, options);
      };
    }

    test('Apollo Client sends the text once, and then the hash', async () => {
      const texts = [];
      const link = new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri: `${server.url}/graphql`, fetch: noting(texts) }));
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      for (let i = 0; i < 2; i += 1) {
        const { data } = await client.query({ query: gql`query WhoApollo { viewer { role } }`, fetchPolicy: 'network-only' });
        assert.equal(data.viewer.role, 'OPERATOR');
      }
      assert.deepEqual(texts, [false, true, false]);
      client.stop();
    });

    test('urql sends the text once, and then the hash by GET', async () => {
      const texts = [];
      const client = new Client({
        url: `${server.url}/graphql`,
        fetch: noting(texts),
        exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
      });
      for (let i = 0; i < 2; i += 1) {
        const { data, error } = await client.query('query WhoUrql { viewer { role } }', {}, { requestPolicy: 'network-only' });
        assert.equal(error, undefined);
        assert.equal(data.viewer.role, 'OPERATOR');
      }
      assert.deepEqual(texts, [false, true, false]);
    });
  });
}
