// Relay: the store holds the list as a connection. Components read it with useLazyLoadQuery(page, {}, { fetchPolicy:
// 'store-only' }) and usePaginationFragment(list, query).

import { createClient } from 'graphql-ws';
import {
  commitLocalUpdate,
  commitMutation,
  ConnectionHandler,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getRequest,
  graphql,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  Store,
} from 'relay-runtime';
import { createEntry, follow } from './entries.js';

export const list = graphql`
  fragment relayEntries_query on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 50 }, cursor: { type: "Cursor" })
  @refetchable(queryName: "relayEntriesPaginationQuery") {
    entries(first: $count, after: $cursor) @connection(key: "relayEntries_entries") {
      edges {
        cursor
        node {
          id
          position
          summary
        }
      }
      headCursor
    }
  }
`;

export const page = graphql`
  query relayEntriesQuery {
    ...relayEntries_query
  }
`;

const arrivals = graphql`
  subscription relayArrivalsSubscription($after: Cursor) {
    entryCreated(after: $after) {
      cursor
      node {
        id
        position
        summary
      }
    }
  }
`;

const creation = graphql`
  mutation relayCreateMutation($input: CreateEntryInput!) {
    createEntry(input: $input) {
      created
      position
      edge {
        cursor
        node {
          id
          position
          summary
        }
      }
    }
  }
`;

/** retryAttempts is 0 because followEntries connects again: it knows after which edge. */
export function connect(url, { fetch = globalThis.fetch, ...options } = {}) {
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0, ...options });
  const ask = async ({ text: query }, variables) => {
    const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const result = await response.json();
    if (result.errors) throw Object.assign(new Error(result.errors[0].message), { errors: result.errors });
    return result;
  };
  const stream = ({ text: query }, variables) => Observable.create((sink) => socket.subscribe({ query, variables }, sink));
  return new Environment({ network: Network.create(ask, stream), store: new Store(new RecordSource()) });
}

const connectionIn = (store) => ConnectionHandler.getConnection(store.getRoot(), 'relayEntries_entries');

/** What withEdge of entries.js does, in Relay's store. */
function insert(store, edge) {
  const connection = connectionIn(store);
  const edges = connection?.getLinkedRecords('edges');
  const node = edge.getLinkedRecord('node');
  if (!edges || edges.some((other) => other.getLinkedRecord('node').getDataID() === node.getDataID())) return;
  const isBelow = (other) => other.getLinkedRecord('node').getValue('position') < node.getValue('position');
  const below = edges.find(isBelow);
  if (!below && connection.getLinkedRecord('pageInfo').getValue('hasNextPage')) return; // it comes with a page of older entries
  const added = ConnectionHandler.buildConnectionEdge(store, connection, edge);
  if (below) ConnectionHandler.insertEdgeBefore(connection, added, below.getValue('cursor'));
  else ConnectionHandler.insertEdgeAfter(connection, added);
}

/** Resolves when options.signal aborts, and rejects when the server will not have this client; see entries.js. */
export async function followEntries(environment, options) {
  const kept = environment.retain(createOperationDescriptor(getRequest(page), {}));
  const load = async () => {
    let head;
    await fetchQuery(environment, page, {}).toPromise();
    commitLocalUpdate(environment, (store) => {
      head = connectionIn(store).getValue('headCursor');
    });
    return head;
  };
  const subscribe = (after, { next, error, complete }) => {
    const { dispose } = requestSubscription(environment, {
      subscription: arrivals,
      variables: { after },
      updater: (store) => insert(store, store.getRootField('entryCreated')),
      onNext: ({ entryCreated }) => next(entryCreated),
      onError: error,
      onCompleted: complete,
    });
    return dispose;
  };
  const handle = () => {}; // the store has it by now
  await follow({ ...options, load, subscribe, handle }).finally(() => kept.dispose());
}

export function create(environment, input, options) {
  const send = (keyed) =>
    new Promise((resolve, reject) => {
      commitMutation(environment, {
        mutation: creation,
        variables: { input: keyed },
        updater: (store) => insert(store, store.getRootField('createEntry').getLinkedRecord('edge')),
        onCompleted: ({ createEntry: payload }) => resolve(payload),
        onError: reject,
      });
    });
  return createEntry(input, send, options);
}
