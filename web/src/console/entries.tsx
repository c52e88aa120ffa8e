import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { go } from './address';
import type { Row } from './documents';
import type { JournalStore, Listing } from './journal';
import { classOf, className, classSign, localTime, number } from './labels';

const rowHeight = 37;

function Cells({ row }: { row: Row }) {
  const status = classOf(row.statusCode);
  return (
    <>
      <span className="position">{row.position}</span>
      <time dateTime={row.createdAt}>{localTime(row.createdAt)}</time>
      <span className={`status ${status}`} title={className[status]}>
        <span aria-hidden="true">{classSign[status]}</span> {row.statusCode}
      </span>
      <span className="who">{row.user?.username ?? <em>anonymous</em>}</span>
      <span className="command">{row.commandLabel}</span>
      <span className="thing">{row.thingLabel}</span>
    </>
  );
}

/** The entries, newest first. Only what is in sight is in the page, however many there are. */
export function Entries({ store, listing, chosen }: { store: JournalStore; listing: Listing; chosen: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, more, loading, error, waiting } = listing;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !loading && error === undefined && last >= rows.length - 30) void store.readMore();
  }, [store, more, loading, error, last, rows.length]);
  const index = rows.findIndex(({ key }) => key === chosen);
  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' });
  }, [index, chosen, virtual]);
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
      {waiting.length > 0 && (
        <button
          type="button"
          className="waiting"
          onClick={() => {
            store.show();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {number(waiting.length)} new {waiting.length === 1 ? 'entry' : 'entries'}
        </button>
      )}
      <div
        ref={scroller}
        className="scroller"
        tabIndex={-1}
        onScroll={({ currentTarget }) => {
          store.scrolled(currentTarget.scrollTop < rowHeight);
        }}
      >
        <ol style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <li key={item.key} style={{ transform: `translateY(${item.start}px)`, height: rowHeight }}>
                <button
                  type="button"
                  className="row"
                  aria-current={row.key === chosen}
                  onClick={() => {
                    go({ entry: row.key }, { replace: chosen !== '' });
                  }}
                >
                  <Cells row={row} />
                </button>
              </li>
            );
          })}
        </ol>
        {loading && (
          <p className="state" role="status">
            Reading the journal …
          </p>
        )}
        {error !== undefined && (
          <p className="state" role="alert">
            {error}{' '}
            <button
              type="button"
              onClick={() => {
                void store.readMore();
              }}
            >
              Try again
            </button>
          </p>
        )}
        {!loading && error === undefined && rows.length === 0 && (
          <p className="state">No entry matches. Change the filters, or wait: new ones appear here while Live is on.</p>
        )}
      </div>
    </section>
  );
}
