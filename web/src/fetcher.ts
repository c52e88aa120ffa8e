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

/** The document if the operation to run is a subscription. A document that does not parse goes to the server, which says why. */
function subscriptionIn({ query, operationName }: FetcherParams): DocumentNode | undefined {
  try {
    const document = parse(query);
    const operation = getOperationAST(document, operationName);
    return operation?.operation === OperationTypeNode.SUBSCRIPTION ? document : undefined;
  } catch {
    return undefined;
  }
}

/** What GraphiQL calls to run an operation: subscriptions by WebSocket, everything else by POST. */
export function createFetcher(client: Client, status: StatusStore): Fetcher {
  return (params, options) => {
    const document = subscriptionIn(params);
    return document === undefined ? post(params, options?.headers) : subscribe(client, status, params, document);
  };
}
