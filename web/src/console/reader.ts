import type { AnyVariables, Client, CombinedError, TypedDocumentNode } from 'urql';
import { countQuery, pageQuery, type Row, type Where } from './documents';

/** The most entries that one request reads. */
export const pageSize = 100;

/** An entry of a list, and the cursor from which the list goes on. */
export interface Held {
  readonly row: Row;
  readonly cursor: string;
}

export interface Page {
  /** Newest first. */
  readonly held: readonly Held[];
  readonly hasNewer: boolean;
  readonly hasOlder: boolean;
}

type Place =
  | { readonly first: number; readonly after?: string }
  | { readonly last: number; readonly before?: string };

export const messageOf = (error: CombinedError | undefined): string =>
  error?.graphQLErrors[0]?.message ?? error?.networkError?.message ?? error?.message ?? 'No answer.';

async function ask<Result, Variables extends AnyVariables>(
  client: Client,
  query: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const { data, error } = await client.query(query, variables, { requestPolicy: 'network-only' }).toPromise();
  if (!data || error) throw new Error(messageOf(error));
  return data;
}

const pageOf = ({ edges, pageInfo }: { edges: { node: Row; cursor: string }[]; pageInfo: Record<string, boolean> }): Page => ({
  held: edges.map(({ node, cursor }) => ({ row: node, cursor })),
  hasNewer: pageInfo['hasPreviousPage'] ?? false,
  hasOlder: pageInfo['hasNextPage'] ?? false,
});

/** EntryReader reads pages of the entries that match, newest first. */
export class EntryReader {
  constructor(
    private readonly client: Client,
    readonly where: Where,
  ) {}

  /** The newest page, the journal's end as it saw it and, unless that would make it wait, how many entries match. */
  async newest(count: boolean): Promise<Page & { head: string; total: number | undefined }> {
    const { entries } = await ask(this.client, pageQuery, { where: this.where, first: pageSize, head: true, count });
    return { ...pageOf(entries), head: entries.headCursor ?? '', total: entries.totalCount };
  }

  async page(place: Place, bounds: Where = {}): Promise<Page> {
    const { entries } = await ask(this.client, pageQuery, { ...place, where: { ...this.where, ...bounds } });
    return pageOf(entries);
  }

  /** How many entries match. */
  async count(bounds: Where = {}): Promise<number> {
    const { entries } = await ask(this.client, countQuery, { where: { ...this.where, ...bounds } });
    return entries.totalCount;
  }
}

/** An entry of a list whose rank is known: how many entries of the list are older. */
export interface Mark {
  readonly rank: number;
  readonly position: number;
}

/**
 * Finds a page in the midst of a list of which only counts can be had: the entries from newest, of rank newest or less, on. It
 * closes in from two marks, older below and newer above, by where the entry would be if the list were even, and every third
 * time by half, so that it ends on any list. The answer is undefined when wanted says that nobody waits for it any more.
 */
export async function locate(
  reader: EntryReader,
  newest: { readonly least: number; readonly most: number },
  below: Mark,
  above: Mark,
  wanted: () => boolean,
): Promise<{ readonly page: Page; readonly rank: number } | undefined> {
  const aim = Math.round((newest.least + newest.most) / 2);
  for (let turn = 1; wanted(); turn += 1) {
    const share = turn % 3 === 0 || above.rank <= below.rank ? 0.5 : (aim - below.rank) / (above.rank - below.rank);
    const guess = below.position + Math.round(share * (above.position - below.position));
    const position = Math.min(Math.max(guess, below.position + 1), above.position);
    // The shorter of both stretches is what is counted.
    const upwards = position - below.position < above.position - position;
    const rank = upwards
      ? below.rank + (await reader.count({ positionGT: below.position, positionLTE: position }))
      : above.rank - (await reader.count({ positionGT: position, positionLTE: above.position }));
    const fits = rank >= newest.least && rank <= newest.most;
    if (fits || position >= above.position) {
      return { page: await reader.page({ first: pageSize }, { positionLTE: position }), rank };
    }
    if (rank > newest.most) above = { rank, position };
    else below = { rank, position };
  }
  return undefined;
}
