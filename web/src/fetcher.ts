import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import type { Client } from 'graphql-ws';
import { type DocumentNode, getOperationAST, OperationTypeNode, parse } from 'graphql';
import { type AccessStore, headersOf } from './access';
import type { StatusStore } from './connection';
import { post } from './post';
import { subscribe } from './subscriptions';

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
export function createFetcher(client: Client, status: StatusStore, access: AccessStore): Fetcher {
  const ask = async (params: FetcherParams) => {
    const { credential } = access;
    const { result, denied } = await post(params, headersOf(credential));
    if (denied) access.deny(credential);
    return result;
  };
  return (given) => {
    const operation = operationIn(given);
    if (operation?.isSubscription) return subscribe(client, status, operation.params, operation.document);
    return ask(operation?.params ?? given);
  };
}
