import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import type { Client } from 'graphql-ws';
import { type DocumentNode, type ExecutionResult, getOperationAST, OperationTypeNode, parse } from 'graphql';
import type { StatusStore } from './connection';
import { graphqlURL } from './endpoints';
import { isObject, type JSONObject, keepNumbers } from './json';
import { subscribe } from './subscriptions';

const shownOfForeignAnswer = 300;

/** Sends one request by POST. Whatever goes wrong becomes an error that says what happened, never a JSON syntax error. */
export async function post(params: FetcherParams, headers: JSONObject = {}): Promise<ExecutionResult> {
  let response: Response;
  try {
    response = await fetch(graphqlURL, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
        ...(headers as Record<string, string>),
      },
      body: JSON.stringify(params),
    });
  } catch {
    throw new Error(`No answer from ${graphqlURL.href}. Is samjournal running?`);
  }
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text, keepNumbers);
  } catch {
    answer = undefined;
  }
  if (!isObject(answer)) {
    const shown = text.trim().slice(0, shownOfForeignAnswer) || 'an empty body';
    throw new Error(`${graphqlURL.href} answered ${response.status} ${response.statusText}: ${shown}`);
  }
  return answer;
}

interface Operation {
  readonly params: FetcherParams;
  readonly document: DocumentNode;
  readonly isSubscription: boolean;
}

/**
 * The operation that is about to run; undefined if the document does not parse or the name is needed and wrong, which the
 * server explains best. GraphiQL names the operation a moment late after a change of tab: a name that the document does
 * not have is left out where there is but one operation.
 */
function operationIn(params: FetcherParams): Operation | undefined {
  let document: DocumentNode;
  try {
    document = parse(params.query);
  } catch {
    return undefined;
  }
  const operation = getOperationAST(document, params.operationName) ?? getOperationAST(document);
  if (!operation) return undefined;
  return {
    params: { ...params, operationName: operation.name?.value ?? null },
    document,
    isSubscription: operation.operation === OperationTypeNode.SUBSCRIPTION,
  };
}

/** What GraphiQL calls to run an operation: subscriptions by WebSocket, everything else by POST. */
export function createFetcher(client: Client, status: StatusStore): Fetcher {
  return (given, options) => {
    const operation = operationIn(given);
    if (operation?.isSubscription) return subscribe(client, status, operation.params, operation.document);
    return post(operation?.params ?? given, options?.headers);
  };
}
