import type { Client } from 'urql';
import { arrivals, type Row, type Where } from './documents';
import { EntryReader, type Held, locate, type Mark, messageOf, type Page, pageSize } from './reader';

/** How many entries around those in sight are read ahead, and how many are held at most to either side. */
const ahead = 60;
const held = 1500;
/** The rank of the newest entry, plus one, of a list whose length is not known: ranks count from its oldest entry. */
const unknownTop = 1_000_000_000;
/** How long after entries have come a list is searched again, in ms. */
const searchEvery = 500;

export interface Listing {
  /** How many entries the list has, so far as is known; undefined until the first have been read. */
  readonly size: number | undefined;
  /** Whether size is the number of all that match. */
  readonly counted: boolean;
  /** How many entries have come since, and wait for the reader to come to the top. */
  readonly waiting: number;
  readonly loading: boolean;
  /** Why the list cannot be read. */
  readonly error: string | undefined;
  /** Why nothing is followed, if the server refuses it. */
  readonly refused: string | undefined;
}

const nothing: Listing = { size: undefined, counted: false, waiting: 0, loading: true, error: undefined, refused: undefined };

/**
 * JournalStore is the list of the entries that match, newest first, of which it holds those around what is in sight, and it
 * follows those that come.
 *
 * An entry is held by its rank, which is how many entries of the list are older: that never changes, whatever comes. Where all
 * entries of a journal match and may be seen the rank is the position, and any stretch is read at once. Elsewhere stretches are
 * read by the cursors of their neighbours, and after a leap the place is found by counting.
 */
export class JournalStore {
  #listing = nothing;
  readonly #reader: EntryReader;
  #rows = new Map<number, Held>();
  /** Ranks of the list: from bottom to below top. Those from top on wait. */
  #bottom = 0;
  #top = 0;
  #waiting = 0;
  #counted = false;
  #dense = false;
  /** The position of the newest entry in the list, and of the newest that has come. */
  #newest = -1;
  #seen = -1;
  #head: string | undefined;
  #sight = { from: 0, to: 0 };
  #atTop = true;
  #reading: Promise<void> | undefined;
  /** The rank of an entry that is wanted although it is not in sight. */
  #wish: number | undefined;
  /** The entry that was found last by its key. */
  #mark = { key: '', rank: 0 };
  #searching = false;
  #closed = false;
  #unsubscribe: (() => void) | undefined;
  #frame: number | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly client: Client,
    private readonly where: Where,
  ) {
    this.#reader = new EntryReader(client, where);
  }

  readonly get = (): Listing => this.#listing;

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads the newest entries, or what is missing, after an error too. */
  read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** The entry in a row of the list, read if it is not at hand. */
  async fetch(row: number): Promise<Row | undefined> {
    const rank = this.#top - 1 - row;
    if (!this.#rows.has(rank)) {
      this.#wish = rank;
      await this.read();
      this.#wish = undefined;
    }
    return this.#rows.get(rank)?.row;
  }

  /** The entry in a row of the list; row 0 is the newest. Undefined while it is not at hand. */
  at(row: number): Row | undefined {
    return this.#rows.get(this.#top - 1 - row)?.row;
  }

  /** Tells rows apart whatever comes above them. */
  rankOf(row: number): number {
    return this.#top - 1 - row;
  }

  /** The position of the entry in a row that is not at hand, where it is known. */
  positionOf(row: number): number | undefined {
    return this.#dense ? this.#top - 1 - row : undefined;
  }

  /** The row of an entry, also when it has been let go since it was asked for last; undefined where it is not known. */
  rowOf(key: string, position?: number): number | undefined {
    for (const [rank, { row }] of this.#rows) if (row.key === key) this.#mark = { key, rank };
    if (this.#mark.key !== key && this.#dense && position !== undefined) this.#mark = { key, rank: position };
    return this.#mark.key === key && this.#mark.rank < this.#top ? this.#top - 1 - this.#mark.rank : undefined;
  }

  /** Tells which rows are in sight, and whether the first one is wholly. */
  look(first: number, last: number, atTop: boolean): void {
    this.#sight = { from: this.#top - 1 - last, to: this.#top - 1 - first };
    this.#atTop = atTop;
    if (atTop) this.show();
    if (this.#listing.error === undefined && this.#gap()) void this.read();
  }

  get firstInSight(): number {
    return Math.max(0, this.#top - 1 - this.#sight.to);
  }

  /** Begins or ends to follow what comes. What is being read does not move: at the top entries slide in, else they wait. */
  follow(live: boolean): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#publish({ refused: undefined });
    if (!live) return;
    const { search, ...where } = this.where;
    const { unsubscribe } = this.client
      .subscription(arrivals, { after: this.#head ?? null, where })
      .subscribe(({ data, error }) => {
        if (error) this.#publish({ refused: messageOf(error) });
        if (!data) return;
        const { node, cursor } = data.entryCreated;
        this.#head = cursor;
        if (search === undefined) this.#arrive({ row: node, cursor });
        else void this.#search();
      });
    this.#unsubscribe = unsubscribe;
  }

  /** Puts the entries that wait into the list. */
  show(): void {
    if (this.#waiting === 0) return;
    this.#top += this.#waiting;
    this.#waiting = 0;
    this.#newest = this.#seen;
    this.#publish({});
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  async #readAll(): Promise<void> {
    this.#publish({ error: undefined, loading: true });
    try {
      if (this.#head === undefined) await this.#begin();
      let before = '';
      for (let gap = this.#gap(); gap && !this.#closed; gap = this.#gap()) {
        const asked = `${gap.from}-${gap.to}`;
        if (asked === before) this.#again();
        before = asked;
        await this.#fill(gap);
        this.#letGo();
        this.#publish({});
      }
      this.#publish({ loading: false });
    } catch (problem) {
      this.#publish({ loading: false, error: problem instanceof Error ? problem.message : String(problem) });
    }
  }

  async #begin(): Promise<void> {
    const counts = this.where.search === undefined;
    const { head, total, ...page } = await this.#reader.newest(counts);
    this.#head = head;
    this.#seen = page.held[0]?.row.position ?? -1;
    this.#newest = this.#seen;
    const filtered = Object.keys(this.where).length > 0;
    this.#dense = !filtered && total === this.#newest + 1;
    this.#counted = total !== undefined;
    this.#top = total ?? unknownTop;
    this.#bottom = total === undefined ? unknownTop - page.held.length : 0;
    this.#sight = { from: this.#top - 1, to: this.#top - 1 };
    this.#put(page, this.#top - 1);
    this.#publish({});
    if (!counts && !this.#counted) void this.#count();
  }

  /** Counts what a search finds, which may take a while, or be too much. */
  async #count(): Promise<void> {
    const total = await this.#reader.count({ positionLTE: this.#newest }).catch(() => undefined);
    if (total === undefined || this.#counted || this.#closed) return;
    this.#counted = true;
    this.#bottom = this.#top - total;
    this.#publish({});
  }

  /** The next stretch to read: one that misses in sight, else near it. */
  #gap(): { from: number; to: number } | undefined {
    const misses = (rank: number) => rank >= this.#bottom && rank < this.#top && !this.#rows.has(rank);
    const { from, to } = this.#sight;
    const missing =
      find(this.#wish ?? -1, this.#wish ?? 0, misses) ??
      find(to, from, misses) ?? find(from - 1, from - ahead, misses) ?? find(to + ahead, to + 1, misses);
    if (missing === undefined) return undefined;
    const gap = { from: missing, to: missing };
    while (gap.to - gap.from < pageSize - 1 && misses(gap.from - 1)) gap.from -= 1;
    while (gap.to - gap.from < pageSize - 1 && misses(gap.to + 1)) gap.to += 1;
    return gap;
  }

  async #fill({ from, to }: { from: number; to: number }): Promise<void> {
    const n = to - from + 1;
    const newer = this.#rows.get(to + 1);
    const older = this.#rows.get(from - 1);
    if (this.#dense) {
      const { held: found } = await this.#reader.page({ first: n }, { positionGTE: from, positionLTE: to });
      if (found.length < n) return this.#again();
      for (const one of found) this.#rows.set(one.row.position, one);
    } else if (newer) {
      this.#put(await this.#reader.page({ first: n, after: newer.cursor }), to);
    } else if (older) {
      const page = await this.#reader.page({ last: n, before: older.cursor });
      this.#put(page, from + page.held.length - 1);
    } else if (to === this.#top - 1) {
      this.#put(await this.#reader.page({ first: n }, { positionLTE: this.#newest }), to);
    } else if (from === this.#bottom) {
      const page = await this.#reader.page({ last: n });
      this.#put(page, from + page.held.length - 1);
    } else {
      await this.#leap(to);
    }
  }

  /** Reads a stretch that begins with rank to, or a little above it, and has no neighbour at hand. */
  async #leap(to: number): Promise<void> {
    let below: Mark = { rank: this.#bottom - 1, position: -1 };
    let above: Mark = { rank: this.#top - 1, position: this.#newest };
    for (const [rank, { row }] of this.#rows) {
      if (rank < to && rank > below.rank) below = { rank, position: row.position };
      if (rank > to && rank < above.rank) above = { rank, position: row.position };
    }
    const wanted = () => !this.#closed && (this.#wish === to || to >= this.#sight.from - pageSize && to <= this.#sight.to + pageSize);
    const found = await locate(this.#reader, { least: to, most: Math.min(to + ahead / 2, this.#top - 1) }, below, above, wanted);
    if (found) this.#put(found.page, found.rank);
  }

  /** Takes a page into the list, its newest entry at a rank. Where it reaches an end of the list, that is where the list ends. */
  #put({ held: found, hasNewer, hasOlder }: Page, newest: number): void {
    for (const [index, one] of found.entries()) this.#rows.set(newest - index, one);
    const oldest = newest - found.length + 1;
    if (!hasOlder) {
      this.#bottom = oldest;
      this.#counted = true;
    } else if (!this.#counted) {
      this.#bottom = Math.min(this.#bottom, oldest - pageSize);
    }
    const first = found[0]?.row.position;
    if (hasNewer || (first === undefined ? !hasOlder : first !== this.#newest)) return;
    this.#top = newest + 1;
    for (const rank of this.#rows.keys()) if (rank >= this.#top + this.#waiting) this.#rows.delete(rank);
  }

  /** The list is not what it was taken for: it has to be read from its beginning. */
  #again(): never {
    this.#rows.clear();
    this.#head = undefined;
    throw new Error('The list has changed.');
  }

  #letGo(): void {
    const { from, to } = this.#sight;
    const wish = this.#wish ?? to;
    for (const rank of this.#rows.keys()) {
      if ((rank < from - held || rank > to + held) && Math.abs(rank - wish) > pageSize) this.#rows.delete(rank);
    }
  }

  #arrive(one: Held): void {
    const { position } = one.row;
    if (position <= this.#seen) return;
    this.#seen = position;
    const rank = this.#top + this.#waiting;
    if (position !== rank) this.#dense = false;
    this.#rows.set(rank, one);
    this.#waiting += 1;
    // Many may come in the time of one picture.
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#letGo();
      if (this.#atTop) this.show();
      this.#publish({});
    });
  }

  /** Looks for what has come: a search cannot be followed. */
  async #search(): Promise<void> {
    if (this.#searching) return;
    this.#searching = true;
    await new Promise((resolve) => setTimeout(resolve, searchEvery));
    this.#searching = false;
    if (this.#closed) return;
    try {
      for (let more = true; more; ) {
        const page = await this.#reader.page({ last: pageSize }, { positionGT: this.#seen });
        for (const one of [...page.held].reverse()) this.#arrive(one);
        more = page.hasNewer && page.held.length > 0;
      }
    } catch (problem) {
      this.#publish({ refused: problem instanceof Error ? problem.message : String(problem) });
    }
  }

  #publish(change: Partial<Listing>): void {
    const size = this.#head === undefined ? undefined : this.#top - this.#bottom;
    this.#listing = { ...this.#listing, size, counted: this.#counted, waiting: this.#waiting, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The first number from one to another, which is smaller, of which something holds. */
function find(from: number, to: number, holds: (n: number) => boolean): number | undefined {
  for (let n = from; n >= to; n -= 1) if (holds(n)) return n;
  return undefined;
}
