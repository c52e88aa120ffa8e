import { createClient, type Client } from 'graphql-ws';
import type { FetcherParams, Observable } from '@graphiql/toolkit';
import { type DocumentNode, type ExecutionResult, Kind } from 'graphql';
import { type AccessStore, headersOf } from './access';
import type { StatusStore } from './connection';
import { webSocketURL } from './endpoints';
import { isObject, keepNumbers } from './json';

const pingEvery = 10_000;
const pongWithin = 5_000;
const firstWait = 500;
const longestWait = 10_000;

/** The close codes of a viewer that is not known, and of one that may not do this: neither mends itself. */
const unauthorized = 4401;
const forbidden = 4403;

/** Waits 0.5 s, 1 s, 2 s … up to 10 s, each shortened at random so that many pages do not come back in step. */
function backoff(attempt: number): number {
  const longest = Math.min(longestWait, firstWait * 2 ** attempt);
  return longest * (0.5 + Math.random() / 2);
}

function isClose(reason: unknown): reason is { code: number; reason: string } {
  return typeof reason === 'object' && reason !== null && 'code' in reason && 'reason' in reason;
}

/**
 * A client that never gives up: a server that restarts is found again, however long it takes. A server that refuses the
 * credential is not asked again by itself. What runs when the credential changes connects again by the new one.
 */
export function createSubscriptionClient(status: StatusStore, access: AccessStore): Client {
  let pongTimeout: ReturnType<typeof setTimeout> | undefined;
  let { credential: sent, credential: current } = access;
  const client = createClient({
    url: webSocketURL,
    connectionParams: () => {
      sent = access.credential;
      return headersOf(sent);
    },
    keepAlive: pingEvery,
    retryAttempts: Infinity,
    // A refused connection reaches the client as a plain Event before its CloseEvent, and would by default be fatal.
    shouldRetry: (problem) => (isClose(problem) ? problem.code !== forbidden : problem instanceof Event),
    retryWait: async (attempt) => {
      const wait = backoff(attempt);
      status.lost(attempt + 1, Date.now() + wait);
      await new Promise((resolve) => setTimeout(resolve, wait));
    },
    jsonMessageReviver: keepNumbers,
    on: {
      connected: (_socket, _payload, wasRetry) => {
        status.connected(wasRetry);
      },
      closed: (event) => {
        clearTimeout(pongTimeout);
        if (isClose(event) && event.code === unauthorized) access.deny(sent);
      },
      // A socket can be dead without a close frame (a laptop that slept): no pong in time ends it, and retrying starts.
      ping: (received) => {
        if (!received) {
          pongTimeout = setTimeout(() => {
            client.terminate();
          }, pongWithin);
        }
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimeout);
      },
    },
  });
  access.listen(() => {
    if (access.credential === current) return;
    current = access.credential;
    client.terminate();
  });
  return client;
}

/** Whether the operation has a variable `$after`, so that it can be sent again from where it stopped. */
function takesAfter(document: DocumentNode): boolean {
  return document.definitions.some(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (definition.variableDefinitions ?? []).some(({ variable }) => variable.name.value === 'after'),
  );
}

/** The cursor of the edge that a result carries, under whatever alias it was asked for. */
function cursorOf({ data }: ExecutionResult): string | undefined {
  for (const edge of Object.values(data ?? {})) {
    if (isObject(edge) && typeof edge['cursor'] === 'string') return edge['cursor'];
  }
  return undefined;
}

/** One line about a result for the list of arrivals: the entry's summary if it was asked for, else the data itself. */
function describe(result: ExecutionResult): string {
  const [edge] = Object.values(result.data ?? {});
  const node = isObject(edge) ? edge['node'] : undefined;
  if (!isObject(node) || typeof node['summary'] !== 'string') return JSON.stringify(result.data ?? result.errors);
  const position = node['position'] === undefined ? '' : `#${String(node['position'])} `;
  const code = node['statusCode'] === undefined ? '' : ` (${String(node['statusCode'])})`;
  return position + node['summary'] + code;
}

function asError(problem: unknown): unknown {
  if (isClose(problem)) {
    return new Error(`The server closed the subscription: ${problem.reason || 'no reason given'} (${problem.code})`);
  }
  return problem;
}

/**
 * Runs a subscription. After a lost connection graphql-ws sends the payload again; where the operation has `$after`,
 * the payload by then names the last edge received, so nothing is missed and nothing comes twice.
 */
export function subscribe(
  client: Client,
  status: StatusStore,
  { query, operationName, variables: given }: FetcherParams,
  document: DocumentNode,
): Observable<ExecutionResult> {
  const resumes = takesAfter(document);
  const variables: Record<string, unknown> = isObject(given) ? { ...given } : {};
  const run = (observer: {
    next: (result: ExecutionResult) => void;
    error: (problem: unknown) => void;
    complete: () => void;
  }) => {
    status.begin(resumes && typeof variables['after'] === 'string');
    // While it waits to connect again, graphql-ws completes a cancelled subscription late: nobody wants to hear of it then,
    // least of all GraphiQL, which would take it for the end of the subscription that runs by now.
    let over = false;
    const finish = (tell: () => void) => {
      if (over) return;
      over = true;
      tell();
    };
    const unsubscribe = client.subscribe(
      { query, operationName, variables },
      {
        next: (message) => {
          if (over) return;
          const result = message as ExecutionResult;
          const cursor = resumes ? cursorOf(result) : undefined;
          if (cursor !== undefined) variables['after'] = cursor;
          status.arrived(describe(result), cursor !== undefined);
          observer.next(result);
        },
        error: (problem) => {
          finish(() => {
            status.refused();
            observer.error(asError(problem));
          });
        },
        complete: () => {
          finish(() => {
            status.ended();
            observer.complete();
          });
        },
      },
    );
    return {
      unsubscribe: () => {
        finish(() => {
          status.ended();
        });
        unsubscribe();
      },
    };
  };
  // GraphiQL calls the form that takes one observer; the type also allows three functions.
  return { subscribe: run as Observable<ExecutionResult>['subscribe'] };
}
