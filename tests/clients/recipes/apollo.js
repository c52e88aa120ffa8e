// Apollo Client: the cache holds the list. Components read it with useQuery(page) and page on with fetchMore.

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
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

/** The link makes words of a close code, but passes an error on as it is: so a refusal for good is known to be one. */
function withCodes(socket) {
  const coded = (problem) => (problem?.code ? Object.assign(new Error(problem.reason), { code: problem.code }) : problem);
  const subscribe = (request, sink) => socket.subscribe(request, { ...sink, error: (problem) => sink.error(coded(problem)) });
  return { ...socket, subscribe };
}

/** retryAttempts is 0 because followEntries connects again: it knows after which edge. */
export function connect(url, { fetch, ...options } = {}) {
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0, ...options });
  const isSubscription = ({ operationType }) => operationType === 'subscription';
  const link = ApolloLink.split(isSubscription, new GraphQLWsLink(withCodes(socket)), new HttpLink({ uri: url, fetch }));
  const entries = relayStylePagination(['where', 'orderBy']);
  return new ApolloClient({ link, cache: new InMemoryCache({ typePolicies: { Query: { fields: { entries } } } }) });
}

const insert = (cache, edge) =>
  cache.updateQuery({ query: page }, (data) => data && { ...data, entries: withEdge(data.entries, edge) });

/** Resolves when options.signal aborts, and rejects when the server will not have this client; see entries.js. */
export function followEntries(client, options) {
  return follow({
    ...options,
    load: async () => {
      // Without cursor it takes the place of all pages that are in the cache.
      const { data } = await client.query({ query: page, fetchPolicy: 'network-only' });
      return data.entries.headCursor;
    },
    subscribe: (after, { next, error, complete }) => {
      const results = client.subscribe({ query: arrivals, variables: { after }, fetchPolicy: 'no-cache' });
      const subscription = results.subscribe({
        next: (result) => (result.error ? error(result.error) : next(result.data.entryCreated)),
        error,
        complete,
      });
      return () => subscription.unsubscribe();
    },
    handle: (edge) => insert(client.cache, edge),
  });
}

export function create(client, input, options) {
  const update = (cache, { data }) => insert(cache, data.createEntry.edge);
  const send = async (keyed) => {
    const { data } = await client.mutate({ mutation: creation, variables: { input: keyed }, update });
    return data.createEntry;
  };
  return createEntry(input, send, options);
}
