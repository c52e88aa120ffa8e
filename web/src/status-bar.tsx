import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Connection, Status, StatusStore } from './connection';

function useSecondsUntil(time: number | undefined): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (time === undefined) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 250);
    return () => {
      clearInterval(timer);
    };
  }, [time]);
  return time === undefined ? 0 : Math.max(0, Math.ceil((time - now) / 1000));
}

function sentence(connection: Connection, seconds: number): string {
  switch (connection.state) {
    case 'idle':
      return 'Subscription ended';
    case 'connecting':
      return 'Connecting…';
    case 'live':
      return 'Connected, waiting for new entries';
    case 'lost': {
      const when = seconds > 0 ? `in ${seconds} s` : 'now';
      return `Connection lost. Trying again ${when} (attempt ${connection.attempt})`;
    }
    case 'refused':
      return 'The server ended the subscription';
  }
}

function count({ received }: Status): string {
  return received === 1 ? '1 result' : `${received} results`;
}

/** The state of the subscription and its last results, under the result pane (which shows only the newest one). */
export function StatusBar({ status: store }: { readonly status: StatusStore }) {
  const status = useSyncExternalStore(store.listen, store.get);
  const { connection, arrivals, gap } = status;
  const seconds = useSecondsUntil(connection.state === 'lost' ? connection.retryAt : undefined);
  if (connection.state === 'idle' && status.received === 0) return null;
  return (
    <div className="subscription" data-state={connection.state}>
      <div className="subscription-state" role="status">
        <span className="subscription-light" aria-hidden="true" />
        <span>{sentence(connection, seconds)}</span>
        <span className="subscription-count">{count(status)}</span>
      </div>
      {gap && (
        <p className="subscription-gap">
          The connection was lost before the first result: entries created meanwhile are not shown. Give the subscription a
          variable $after to miss none.
        </p>
      )}
      <ol className="subscription-arrivals" aria-label="Last results, newest first">
        {arrivals.map(({ number, at, text }) => (
          <li key={number}>
            <time dateTime={at.toISOString()}>{at.toLocaleTimeString()}</time> <span>{text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
