import { cacheExchange } from '@urql/exchange-graphcache';
import type { ExecutionResult } from 'graphql';
import type { Client as Sockets, Sink } from 'graphql-ws';
import { Client, fetchExchange, subscriptionExchange } from 'urql';
import { type AccessStore, headersOf } from '../access';
import type { StatusStore } from '../connection';
import { graphqlURL } from '../endpoints';
import { isObject } from '../json';
import { createSubscriptionClient } from '../subscriptions';
import { markNumbers } from './numbers';

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

/** The clients of one viewer. Each viewer has some of their own: what one has seen, another does not. */
export interface Clients {
  /** With a normalised cache. */
  readonly cached: Client;
  /** Without: for lists of any length, whose rows are let go when they are out of sight. */
  readonly plain: Client;
}

export function createClients(access: AccessStore, status: StatusStore): Clients {
  const sockets = createSubscriptionClient(status, access);
  const options = { url: graphqlURL.href, preferGetMethod: false, fetch: fetchAs(access) };
  const exchanges = [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: follow(sockets, query, { ...variables }, sink as never) }),
      }),
    }),
  ];
  const cache = cacheExchange({ keys: Object.fromEntries(embedded.map((name) => [name, () => null])) });
  return {
    cached: new Client({ ...options, exchanges: [cache, ...exchanges] }),
    plain: new Client({ ...options, exchanges, requestPolicy: 'network-only' }),
  };
}

/** The same answer, with the numbers in payloads marked where they would lose digits. Pages have none, and are left as they are. */
async function withMarkedNumbers(response: Response): Promise<Response> {
  const text = await response.text();
  const { status, statusText, headers } = response;
  const payloads = text.includes('"payloadState"');
  return new Response(payloads && response.ok ? markNumbers(text) : text, { status, statusText, headers });
}

/** Sends requests by the credential of the moment, which may be renewed, and tells when the server refuses it. */
function fetchAs(access: AccessStore): typeof fetch {
  return async (input, init) => {
    const { credential } = access;
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(headersOf(credential))) headers.set(name, value);
    const response = await fetch(input, { ...init, headers });
    if (response.status === 401) access.deny(credential);
    return withMarkedNumbers(response);
  };
}

/** Subscribes, and after a lost connection goes on after the last entry that came. */
function follow(sockets: Sockets, query: string, variables: Record<string, unknown>, sink: Sink<ExecutionResult>): () => void {
  return sockets.subscribe(
    { query, variables },
    {
      ...sink,
      next: (message) => {
        const result = message as ExecutionResult;
        const edge = result.data?.['entryCreated'];
        if (isObject(edge) && typeof edge['cursor'] === 'string') variables['after'] = edge['cursor'];
        sink.next(result);
      },
    },
  );
}
