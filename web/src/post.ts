import type { FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import { graphqlURL } from './endpoints';
import { isObject, keepNumbers } from './json';

const shownOfForeignAnswer = 300;

export interface Answer {
  readonly result: ExecutionResult;
  /** Whether the server wants a credential, or another one. */
  readonly denied: boolean;
}

/** Sends one request by POST. Whatever goes wrong becomes an error that says what happened, never a JSON syntax error. */
export async function post(params: FetcherParams, headers: Readonly<Record<string, string>>): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(graphqlURL, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
        ...headers,
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
  return { result: answer, denied: response.status === 401 };
}
