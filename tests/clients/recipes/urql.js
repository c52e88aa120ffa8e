// urql: Graphcache holds the list, its updates take in what arrives and what was created. Components read it with
// useQuery({ query: page, variables: { cursor } }).

import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { createClient } from 'graphql-ws';
import { createEntry, follow, withEdge } from './entries.js';

const fields = gql`
  fragment Fields on EntryEdge {
    cursor
    node {
      id
      position
      summary
    }
  }
`;

export const page = gql`
  query Entries($cursor: Cursor) {
    entries(first: 50, after: $cursor) {
      edges {
        ...Fields
      }
      pageInfo {
        endCursor
        hasNextPage
      }
      headCursor
    }
  }
  ${fields}
`;

const arrivals = gql`
  subscription Arrivals($after: Cursor) {
    entryCreated(after: $after) {
      ...Fields
    }
  }
  ${fields}
`;

const creation = gql`
  mutation Create($input: CreateEntryInput!) {
    createEntry(input: $input) {
      created
      position
      edge {
        ...Fields
      }
    }
  }
  ${fields}
`;

const insert = (cache, edge) =>
  cache.updateQuery({ query: page }, (data) => data && { ...data, entries: withEdge(data.entries, edge) });

/** retryAttempts is 0 because followEntries connects again: it knows after which edge. */
export function connect(url, { fetch, ...options } = {}) {
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0, ...options });
  const cache = cacheExchange({
    resolvers: { Query: { entries: relayPagination() } },
    updates: {
      Mutation: { createEntry: ({ createEntry: payload }, _, cache) => insert(cache, payload.edge) },
      Subscription: { entryCreated: ({ entryCreated }, _, cache) => insert(cache, entryCreated) },
    },
  });
  const stream = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  });
  return new Client({ url, fetch, preferGetMethod: false, exchanges: [cache, fetchExchange, stream] });
}

/**
 * connected() gives a new client and show(client) puts it into the Provider, again when the journal was replaced: what the old
 * one's cache holds is of no use then. Resolves and rejects as follow of entries.js does.
 */
export function followEntries(connected, show, options) {
  let client;
  return follow({
    ...options,
    load: async () => {
      client = connected();
      const { data, error } = await client.query(page, {}).toPromise();
      if (error) throw error;
      show(client);
      return data.entries.headCursor;
    },
    subscribe: (after, { next, error, complete }) => {
      const { unsubscribe } = client.subscription(arrivals, { after }).subscribe((result) => {
        if (result.error) error(result.error);
        else next(result.data.entryCreated);
      });
      return unsubscribe;
    },
    handle: () => {}, // the cache has it by now
  });
}

export function create(client, input, options) {
  const send = async (keyed) => {
    const { data, error } = await client.mutation(creation, { input: keyed }).toPromise();
    if (error) throw error;
    return data.createEntry;
  };
  return createEntry(input, send, options);
}
