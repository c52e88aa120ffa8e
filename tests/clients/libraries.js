// Client libraries with one face, each with credentials as its documentation has it: ask, live, and a count of what they send.

import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createEventClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';

const require = createRequire(import.meta.url);
const { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } = require('@apollo/client');
const { SetContextLink } = require('@apollo/client/link/context');
const { GraphQLWsLink } = require('@apollo/client/link/subscriptions');
const { Client, fetchExchange, subscriptionExchange } = require('@urql/core');
const { Environment, Network, Observable, RecordSource, Store } = require('relay-runtime');

// Part of Apollo's GraphQLWsLink where connections are lost; browsers have it, and Node.js from 22 on.
globalThis.WebSocket ??= WebSocket;

/** What counts as an attempt: a request, and a WebSocket. */
export class Attempts {
  count = 0;

  fetch = (...args) => {
    this.count++;
    return fetch(...args);
  };

  get WebSocket() {
    const count = () => this.count++;
    return class extends WebSocket {
      constructor(...args) {
        super(...args);
        count();
      }
    };
  }

  socket(url, headers) {
    const address = `${url.replace(/^http/, 'ws')}/graphql`;
    // The pause is short so that nobody has to wait long for an attempt that must not come.
    const retryWait = () => delay(20);
    return createSocketClient({ url: address, webSocketImpl: this.WebSocket, connectionParams: () => headers, retryWait });
  }
}

/** ask and live of a client that has both in one, as graphql-ws and graphql-sse have. */
function together(client) {
  return {
    ask: async (query, variables) => {
      const { value } = await client.iterate({ query, variables }).next();
      if (value.errors) throw value.errors;
      return value.data;
    },
    live: (query, variables, sink) => {
      const next = ({ data, errors }) => (errors ? sink.error(errors) : sink.next(data));
      return client.subscribe({ query, variables }, { ...sink, next });
    },
    close: () => client.dispose(),
  };
}

function ofApollo(url, headers, attempts) {
  const socket = attempts.socket(url, headers);
  const http = new SetContextLink((context) => ({ headers: { ...context.headers, ...headers } }))
    .concat(new HttpLink({ uri: `${url}/graphql`, fetch: attempts.fetch }));
  const isSubscription = ({ operationType }) => operationType === 'subscription';
  const link = ApolloLink.split(isSubscription, new GraphQLWsLink(socket), http);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    ask: async (text, variables) => {
      const document = gql(text);
      const isMutation = document.definitions[0].operation === 'mutation';
      const { data } = await (isMutation
        ? client.mutate({ mutation: document, variables })
        : client.query({ query: document, variables, fetchPolicy: 'network-only' }));
      return data;
    },
    live: (text, variables, { next, error, complete }) => {
      const results = client.subscribe({ query: gql(text), variables, fetchPolicy: 'no-cache' });
      const subscription = results.subscribe({
        next: ({ data, error: problem }) => (problem ? error(problem) : next(data)),
        error,
        complete,
      });
      return () => subscription.unsubscribe();
    },
    close: () => {
      client.stop();
      socket.dispose();
    },
  };
}

function ofUrql(url, headers, attempts) {
  const socket = attempts.socket(url, headers);
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
  });
  const client = new Client({
    url: `${url}/graphql`,
    fetch: attempts.fetch,
    fetchOptions: () => ({ headers }),
    exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })],
  });
  return {
    ask: async (text, variables) => {
      const operation = text.startsWith('mutation') ? client.mutation(text, variables) : client.query(text, variables);
      const { data, error } = await operation.toPromise();
      if (error) throw error;
      return data;
    },
    live: (text, variables, { next, error }) => {
      const take = ({ data, error: problem }) => (problem ? error(problem) : next(data));
      const { unsubscribe } = client.subscription(text, variables).subscribe(take);
      return unsubscribe;
    },
    close: () => socket.dispose(),
  };
}

function ofRelay(url, headers, attempts) {
  const socket = attempts.socket(url, headers);
  const send = async ({ text: query }, variables) => {
    const response = await attempts.fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  };
  const subscribe = ({ text: query }, variables) => Observable.create((sink) => socket.subscribe({ query, variables }, sink));
  const network = Network.create(send, subscribe);
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  /** The way that fetchQuery and requestSubscription go, too; relay.test.js has compiled documents. */
  const execute = (text, variables, operationKind) =>
    environment.getNetwork().execute({ text, operationKind, name: operationKind, metadata: {} }, variables ?? {}, {});
  return {
    ask: async (text, variables) => {
      const { data, errors } = await execute(text, variables, text.startsWith('mutation') ? 'mutation' : 'query').toPromise();
      if (errors) throw errors;
      return data;
    },
    live: (text, variables, { next, error, complete }) => {
      const results = execute(text, variables, 'subscription');
      const { unsubscribe } = results.subscribe({ next: ({ data }) => next(data), error, complete });
      return unsubscribe;
    },
    close: () => socket.dispose(),
  };
}

/** By name: what makes a client of the API at url that sends these headers; its attempts are counted. */
export const libraries = {
  'graphql-ws': (url, headers, attempts) => together(attempts.socket(url, headers)),
  // By itself it takes a refusal for a lost connection, and tries five times; the recipe in docs/recipes.md has the option, too.
  'graphql-sse': (url, headers, attempts) =>
    together(createEventClient({ url: `${url}/graphql`, headers: () => headers, fetchFn: attempts.fetch, retryAttempts: 0 })),
  'Apollo Client': ofApollo,
  urql: ofUrql,
  Relay: ofRelay,
};
