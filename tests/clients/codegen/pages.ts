// An application in strict TypeScript: all it knows of the API's types is generated.

import { graphql } from '../.built/codegen/gql/gql.js';
import type { CreateEntryInput, EntryWhereInput, PageQuery, TypedDocumentString } from '../.built/codegen/gql/graphql.js';

const page = graphql(`
  query Page($after: Cursor, $where: EntryWhereInput) {
    entries(first: 100, after: $after, where: $where) {
      totalCount
      edges {
        cursor
        node {
          id
          position
          createdAt
          thing
          request
          user {
            username
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const create = graphql(`
  mutation Create($input: CreateEntryInput!) {
    createEntry(input: $input) {
      position
      created
      createdAt
    }
  }
`);

interface Answer<Result> {
  data?: Result;
  errors?: { message: string }[];
}

async function send<Result, Variables>(url: string, query: TypedDocumentString<Result, Variables>, variables: Variables) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Answer<Result>;
  if (!data) throw new Error(JSON.stringify(errors));
  return data;
}

/** All entries that match, page by page. */
export async function* entries(url: string, where?: EntryWhereInput) {
  let after: string | null = null;
  do {
    const { entries: found }: PageQuery = await send(url, page, { after, where: where ?? null });
    for (const { node } of found.edges) yield node;
    after = found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null;
  } while (after !== null);
}

export async function append(url: string, input: CreateEntryInput) {
  return (await send(url, create, { input })).createEntry;
}
