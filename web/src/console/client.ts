import { cacheExchange } from '@urql/exchange-graphcache';
import { Client, fetchExchange, mapExchange, subscriptionExchange } from 'urql';
import { type AccessStore, headersOf } from '../access';
import type { StatusStore } from '../connection';
import { graphqlURL } from '../endpoints';
import { createSubscriptionClient } from '../subscriptions';

/** What has no identity is part of what it stands in. */
const embedded = [
  'EntryConnection',
  'EntryEdge',
  'PageInfo',
  'EntryStats',
  'EntryBucket',
  'EntryGroup',
  'Viewer',
];

/** A client that acts by one credential, with a cache of its own: what one viewer has seen, another does not. */
export function createClient(access: AccessStore, status: StatusStore): Client {
  const sockets = createSubscriptionClient(status, access);
  const credential = access.credential;
  return new Client({
    url: graphqlURL.href,
    preferGetMethod: false,
    fetchOptions: { headers: headersOf(credential) },
    exchanges: [
      cacheExchange({ keys: Object.fromEntries(embedded.map((name) => [name, () => null])) }),
      mapExchange({
        onError: (error) => {
          if (error.graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED')) access.deny(credential);
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: sockets.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never),
          }),
        }),
      }),
    ],
  });
}
