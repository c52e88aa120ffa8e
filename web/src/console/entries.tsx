import { observeElementOffset, useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { go } from './address';
import { detailQuery, type Row } from './documents';
import type { JournalStore, Listing } from './journal';
import { briefTime, classOf, className, classSign, localTime, number } from './labels';
import { Scale } from './scale';

/** The element that scrolls, for the keys of the page. */
export const scrollerID = 'entries';
const rowHeight = 37;
/** How long after the last movement the scroll bar is set right, in ms. */
const rest = 200;

const Cells = memo(function Cells({ row }: { row: Row }) {
  const status = classOf(row.statusCode);
  return (
    <>
      <span className="position">{row.position}</span>
      <time dateTime={row.createdAt} title={row.createdAt}>
        <span className="full">{localTime(row.createdAt)}</span>
        <span className="brief">{briefTime(row.createdAt)}</span>
      </time>
      <span className={`status ${status}`} title={className[status]}>
        <span aria-hidden="true">{classSign[status]}</span> {row.statusCode}
      </span>
      <span className="who">{row.user?.username ?? <em>anonymous</em>}</span>
      <span className="command">{row.commandLabel}</span>
      <span className="thing">{row.thingLabel}</span>
    </>
  );
});

/** What stands in the list while the entry is on its way. */
function Pending({ position }: { position: number | undefined }) {
  return (
    <div className="row pending" aria-busy="true">
      <span className="position">{position}</span>
      <span className="hidden">Reading …</span>
    </div>
  );
}

function useScroller(size: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [scale] = useState(() => new Scale(rowHeight));
  const latest = useRef(size);
  latest.current = size;
  scale.clamp(size);
  const [observe] = useState(() => (instance: Virtualizer<HTMLDivElement, Element>, tell: (offset: number, moves: boolean) => void) =>
    observeElementOffset(instance, (offset, moves) => {
      if (moves) scale.scrolled(offset, instance.scrollElement?.clientHeight ?? 0, latest.current);
      tell(offset, moves);
    }),
  );
  const virtual = useVirtualizer({
    count: scale.slots(size),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    isScrollingResetDelay: rest,
    observeElementOffset: observe,
  });
  const { isScrolling } = virtual;
  useEffect(() => {
    const element = scroller.current;
    if (isScrolling || !element) return;
    const top = scale.settle(element.scrollTop, element.clientHeight, latest.current);
    if (top !== undefined) element.scrollTop = top;
  }, [isScrolling, scale]);
  /** Brings a row into sight, if it is not. */
  const reveal = (row: number) => {
    const element = scroller.current;
    if (!element) return;
    const { clientHeight, scrollTop } = element;
    const first = scale.rowAt(scrollTop);
    const above = row < first;
    if (!above && row + 1 <= first + clientHeight / rowHeight) return;
    element.scrollTop = scale.place(above ? row : row + 1 - clientHeight / rowHeight, clientHeight, latest.current);
  };
  return { scroller, scale, virtual, reveal };
}

/** Brings the chosen entry into sight when it is chosen, and the focus back to it when it is let go. */
function useChosen(store: JournalStore, chosen: string, reveal: (row: number) => void, changes: unknown) {
  const revealed = useRef('');
  const [{ data }] = useQuery({ query: detailQuery, variables: { key: chosen }, pause: chosen === '' });
  const position = data?.entry?.key === chosen ? data.entry.position : undefined;
  useEffect(() => {
    if (revealed.current === chosen) return;
    if (chosen === '') {
      const rank = revealed.current;
      revealed.current = '';
      document.querySelector<HTMLElement>(`.row[data-key="${CSS.escape(rank)}"]`)?.focus({ preventScroll: true });
      return;
    }
    const row = store.rowOf(chosen, position);
    if (row === undefined) return;
    revealed.current = chosen;
    reveal(row);
  }, [store, chosen, position, reveal, changes]);
}

interface Props {
  readonly store: JournalStore;
  readonly listing: Listing;
  readonly chosen: string;
  readonly filtered: boolean;
}

/** The entries, newest first. Only what is in sight is in the page, however many there are. */
export function Entries({ store, listing, chosen, filtered }: Props) {
  const { size = 0, loading, error, waiting } = listing;
  const { scroller, scale, virtual, reveal } = useScroller(size);
  const items = virtual.getVirtualItems();
  const first = scale.base + (items.at(0)?.index ?? 0);
  const last = scale.base + (items.at(-1)?.index ?? 0);
  const atTop = scale.rowAt(virtual.scrollOffset ?? 0) < 1;
  useEffect(() => {
    if (listing.size !== undefined) store.look(first, last, atTop);
  }, [store, listing, first, last, atTop]);
  useChosen(store, chosen, reveal, listing);
  const jump = (event: KeyboardEvent) => {
    if ((event.key !== 'Home' && event.key !== 'End') || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    reveal(event.key === 'Home' ? 0 : size - 1);
    scroller.current?.focus({ preventScroll: true });
  };
  return (
    <section className="entries" aria-label="Entries">
      <div className="columns" aria-hidden="true">
        <span>Position</span>
        <span>Time</span>
        <span>Status</span>
        <span>User</span>
        <span>Command</span>
        <span>Thing</span>
      </div>
      {waiting > 0 && (
        <button
          type="button"
          className="waiting"
          onClick={() => {
            store.show();
            reveal(0);
          }}
        >
          {number(waiting)} new {waiting === 1 ? 'entry' : 'entries'}
        </button>
      )}
      <div ref={scroller} id={scrollerID} className="scroller" tabIndex={-1} onKeyDown={jump}>
        <ol style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const at = scale.base + index;
            const row = store.at(at);
            return (
              <li
                key={store.rankOf(at)}
                style={{ transform: `translateY(${start}px)`, height: rowHeight }}
                aria-setsize={listing.counted ? size : -1}
                aria-posinset={at + 1}
              >
                {row ? (
                  <button
                    type="button"
                    className="row"
                    data-key={row.key}
                    aria-current={row.key === chosen}
                    onClick={() => {
                      go({ entry: row.key }, { replace: chosen !== '' });
                    }}
                  >
                    <Cells row={row} />
                  </button>
                ) : (
                  <Pending position={store.positionOf(at)} />
                )}
              </li>
            );
          })}
        </ol>
        {loading && listing.size === undefined && (
          <p className="state" role="status">
            Reading the journal …
          </p>
        )}
        {!loading && error === undefined && size === 0 && (
          <p className="state">
            {filtered ? 'No entry matches. Change the filters, or wait' : 'The journal has no entries yet. Wait'}: new ones appear here
            while Live is on.
          </p>
        )}
      </div>
      {error !== undefined && (
        <p className="state failed" role="alert">
          {error} {error.startsWith('where.search') && 'Here the filter “Time” gives one. '}
          <button type="button" onClick={() => void store.read()}>
            Try again
          </button>
        </p>
      )}
    </section>
  );
}
