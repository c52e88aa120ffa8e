/**
 * What the page knows about its subscription: published by subscriptions.ts, shown by the status bar.
 */

export type Connection =
  /** No subscription runs, so no socket is open. */
  | { readonly state: 'idle' }
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** The socket broke; attempt counts the tries to get it back, retryAt (ms since 1970) is when the next one starts. */
  | { readonly state: 'lost'; readonly attempt: number; readonly retryAt: number }
  /** The server ended the subscription with an error, which the result pane shows. */
  | { readonly state: 'refused' };

export interface Arrival {
  readonly number: number;
  readonly at: Date;
  readonly text: string;
}

export interface Status {
  readonly connection: Connection;
  /** Results received by the current subscription. */
  readonly received: number;
  /** The last results, newest first. */
  readonly arrivals: readonly Arrival[];
  /** Whether the subscription, sent again now, goes on where it stopped. */
  readonly resumable: boolean;
  /** Whether entries may be missing: the connection was lost while the subscription was not resumable. */
  readonly gap: boolean;
}

const kept = 5;
const nothing: Status = { connection: { state: 'idle' }, received: 0, arrivals: [], resumable: false, gap: false };

/** StatusStore holds the status of the running subscription, in the shape that React's useSyncExternalStore reads. */
export class StatusStore {
  #status: Status = nothing;
  #tab: string | undefined;
  readonly #listeners = new Set<() => void>();

  readonly get = (): Status => this.#status;

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  begin(resumable: boolean): void {
    this.#publish({ ...nothing, connection: { state: 'connecting' }, resumable });
  }

  /** The socket works; again tells that it had been lost. */
  connected(again: boolean): void {
    if (!this.#runs) return;
    const gap = this.#status.gap || (again && !this.#status.resumable);
    this.#publish({ ...this.#status, connection: { state: 'live' }, gap });
  }

  lost(attempt: number, retryAt: number): void {
    if (!this.#runs) return;
    this.#publish({ ...this.#status, connection: { state: 'lost', attempt, retryAt } });
  }

  refused(): void {
    this.#publish({ ...this.#status, connection: { state: 'refused' } });
  }

  arrived(text: string, resumable: boolean): void {
    const received = this.#status.received + 1;
    const arrivals = [{ number: received, at: new Date(), text }, ...this.#status.arrivals].slice(0, kept);
    this.#publish({ ...this.#status, received, arrivals, resumable: this.#status.resumable || resumable });
  }

  ended(): void {
    this.#publish({ ...this.#status, connection: { state: 'idle' } });
  }

  /** Forgets everything when the reader goes to another tab, which ends the subscription of the one left behind. */
  showTab(id: string | undefined): void {
    if (id !== this.#tab) this.#publish(nothing);
    this.#tab = id;
  }

  /** The socket outlives its subscription for a moment: what it does then is of no interest. */
  get #runs(): boolean {
    const { state } = this.#status.connection;
    return state !== 'idle' && state !== 'refused';
  }

  #publish(status: Status): void {
    this.#status = status;
    for (const listener of this.#listeners) listener();
  }
}
