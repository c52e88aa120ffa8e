import { useEffect, useRef } from 'react';
import { useClient, useQuery } from 'urql';
import { clearFilters, go } from './address';
import { CopyButton } from './copy';
import { atPositionQuery, detailQuery, type Detail } from './documents';
import { JsonView } from './json-view';
import { classOf, className, classSign, localTime } from './labels';

const states: Readonly<Record<string, string>> = {
  TRUNCATED: 'At least one of the two was longer than the server stores: its length, digest and beginning are shown.',
  ERASED: 'Request and response were removed later. The entry and its digests stay.',
  HIDDEN: 'Request and response are there, but not for you.',
};

function Facts({ entry }: { entry: Detail }) {
  const status = classOf(entry.statusCode);
  return (
    <dl>
      <dt>Status</dt>
      <dd className={`status ${status}`}>
        <span aria-hidden="true">{classSign[status]}</span> {entry.statusCode} {className[status]}
      </dd>
      <dt>Time</dt>
      <dd>
        <time dateTime={entry.createdAt}>{localTime(entry.createdAt)}</time>
        <br />
        <code>{entry.createdAt}</code>
      </dd>
      {entry.recordedAt !== entry.createdAt && (
        <>
          <dt>Recorded</dt>
          <dd>
            <time dateTime={entry.recordedAt}>{localTime(entry.recordedAt)}</time> ({entry.origin.toLowerCase()})
            <br />
            <code>{entry.recordedAt}</code>
          </dd>
        </>
      )}
      <dt>Position</dt>
      <dd>{entry.position}</dd>
      <dt>Key</dt>
      <dd>
        <code className="key">{entry.key}</code> <CopyButton text={entry.key} label="Copy the key" />
      </dd>
      {entry.redactedPaths.length > 0 && (
        <>
          <dt>Masked</dt>
          <dd>
            {entry.redactedPaths.map((path) => (
              <code key={path} className="path">
                {path}
              </code>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}

function Links({ entry }: { entry: Detail }) {
  const client = useClient();
  const step = async (position: number) => {
    const { data } = await client.query(atPositionQuery, { position }).toPromise();
    const key = data?.entries.edges[0]?.node.key;
    if (key !== undefined) go({ entry: key }, { replace: true });
  };
  const { user } = entry;
  return (
    <nav className="links" aria-label="From here">
      {user && (
        <button
          type="button"
          onClick={() => {
            clearFilters();
            go({ user: user.username }, { replace: true });
          }}
        >
          All by {user.username}
        </button>
      )}
      <button
        type="button"
        onClick={() => {
          clearFilters();
          go({ thing: entry.thing }, { replace: true });
        }}
      >
        All of {entry.thingLabel}
      </button>
      <button type="button" disabled={entry.position === 0} onClick={() => void step(entry.position - 1)}>
        Previous position
      </button>
      <button type="button" onClick={() => void step(entry.position + 1)}>
        Next position
      </button>
    </nav>
  );
}

/** One entry with all that is known of it. */
export function DetailPanel({ entryKey }: { entryKey: string }) {
  const [{ data, error, fetching }] = useQuery({ query: detailQuery, variables: { key: entryKey } });
  const heading = useRef<HTMLHeadingElement>(null);
  const entry = data?.entry;
  const id = entry?.id;
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, [id]);
  return (
    <aside className="detail" aria-label="Entry">
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {entry?.summary ?? (fetching ? 'Reading …' : 'Entry')}
        </h2>
        <button
          type="button"
          aria-label="Close"
          onClick={() => {
            go({ entry: '' });
          }}
        >
          ✕
        </button>
      </header>
      {error && <p role="alert">{error.graphQLErrors[0]?.message ?? error.message}</p>}
      {!error && !fetching && !entry && <p role="alert">There is no entry with this key that you may see.</p>}
      {entry && (
        <>
          <Links entry={entry} />
          <Facts entry={entry} />
          {states[entry.payloadState] !== undefined && <p className="note">{states[entry.payloadState]}</p>}
          <JsonView key={`${entry.id} request`} title="Request" value={entry.request} />
          <JsonView key={`${entry.id} response`} title="Response" value={entry.response} />
        </>
      )}
    </aside>
  );
}
