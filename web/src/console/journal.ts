import type { Client } from 'urql';
import { pageQuery, arrivals, type Row, type Where } from './documents';

const pageSize = 100;
/** The most entries that are held: those far above what is looked at are let go, and read again on the way back up. */
const kept = 20_000;

export interface Listing {
  readonly rows: readonly Row[];
  readonly total: number | undefined;
  /** Entries that have come since, and wait for the reader to come to the top. */
  readonly waiting: readonly Row[];
  readonly more: boolean;
  readonly loading: boolean;
  readonly live: boolean;
  readonly error: string | undefined;
}

const nothing: Listing = {
  rows: [],
  total: undefined,
  waiting: [],
  more: true,
  loading: true,
  live: false,
  error: undefined,
};

const byPosition = (a: Row, b: Row): number => b.position - a.position;

/** JournalStore reads the entries that match, newest first, page by page, and follows those that come. */
export class JournalStore {
  #listing: Listing = nothing;
  #after: string | null = null;
  #head: string | null = null;
  #atTop = true;
  #unsubscribe: (() => void) | undefined;
  #closed = false;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly client: Client,
    private readonly where: Where,
  ) {}

  readonly get = (): Listing => this.#listing;

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads the next page, if there is one and none is on its way. */
  async readMore(): Promise<void> {
    if (this.#listing.loading && this.#listing !== nothing) return;
    if (!this.#listing.more || this.#listing.rows.length >= kept) return;
    this.#publish({ loading: true, error: undefined });
    const variables = { where: this.where, after: this.#after, first: pageSize };
    const { data, error } = await this.client.query(pageQuery, variables, { requestPolicy: 'network-only' }).toPromise();
    if (this.#closed) return;
    if (!data) {
      this.#publish({ loading: false, error: error?.graphQLErrors[0]?.message ?? error?.message ?? 'No answer.' });
      return;
    }
    const { edges, pageInfo, totalCount, headCursor } = data.entries;
    this.#head ??= headCursor;
    this.#after = pageInfo.endCursor;
    const known = new Set(this.#listing.rows.map(({ id }) => id));
    const fresh = edges.map(({ node }) => node).filter(({ id }) => !known.has(id));
    this.#publish({
      rows: [...this.#listing.rows, ...fresh],
      total: Math.max(this.#listing.total ?? 0, totalCount),
      more: pageInfo.hasNextPage,
      loading: false,
    });
  }

  /** Begins or ends to follow what comes. What is being read does not move: at the top entries slide in, else they wait. */
  follow(live: boolean): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    if (live) {
      const { unsubscribe } = this.client
        .subscription(arrivals, { after: this.#head, where: this.where })
        .subscribe(({ data, error }) => {
          if (data) this.#arrive(data.entryCreated.node, data.entryCreated.cursor);
          else if (error) this.#publish({ live: false, error: error.graphQLErrors[0]?.message ?? error.message });
        });
      this.#unsubscribe = unsubscribe;
    }
    this.#publish({ live });
  }

  /** Tells whether the reader is at the top of the list. */
  scrolled(atTop: boolean): void {
    this.#atTop = atTop;
    if (atTop) this.show();
  }

  /** Puts the entries that wait into the list. */
  show(): void {
    if (this.#listing.waiting.length === 0) return;
    this.#publish({ rows: [...this.#listing.waiting, ...this.#listing.rows], waiting: [] });
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
  }

  #arrive(row: Row, cursor: string): void {
    this.#head = cursor;
    const { rows, waiting, total } = this.#listing;
    if ([...waiting, ...rows.slice(0, pageSize)].some(({ id }) => id === row.id)) return;
    const counted = { total: (total ?? 0) + 1 };
    if (this.#atTop) this.#publish({ rows: [row, ...rows].sort(byPosition), ...counted });
    else this.#publish({ waiting: [row, ...waiting].sort(byPosition), ...counted });
  }

  #publish(change: Partial<Listing>): void {
    this.#listing = { ...this.#listing, ...change };
    for (const listener of this.#listeners) listener();
  }
}
