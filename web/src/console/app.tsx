import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { Provider } from 'urql';
import type { AccessStore } from '../access';
import type { StatusStore } from '../connection';
import { go, isFiltered, useView, whereOf } from './address';
import { type Clients, createClients } from './client';
import { DetailPanel } from './detail';
import { Entries } from './entries';
import { FilterBar } from './filter-bar';
import { Histogram } from './histogram';
import { JournalStore, type Listing } from './journal';
import { useKeys } from './keys';
import { number } from './labels';
import { Overview } from './overview';
import { pageSize } from './reader';
import { SignIn } from './sign-in';
import { ThemeSwitch } from './theme';
import { fixed } from './time';

function Connection({ status, live, refused }: { status: StatusStore; live: boolean; refused: string | undefined }) {
  const { connection } = useSyncExternalStore(status.listen, status.get);
  if (!live) return null;
  // The first try to connect again comes at once, and is not worth a word: so it is when a credential is renewed.
  if (refused === undefined && (connection.state !== 'lost' || connection.attempt < 2)) return null;
  return (
    <span className="connection broken" role="status">
      {refused ?? 'Connection lost, trying again …'}
    </span>
  );
}

function countOf({ size, counted, waiting }: Listing): string {
  if (size === undefined) return '';
  if (!counted) return `more than ${number(size - pageSize)} entries`;
  const total = size + waiting;
  return `${number(total)} ${total === 1 ? 'entry' : 'entries'}`;
}

function Journal({ clients, status }: { clients: Clients; status: StatusStore }) {
  const view = useView();
  const filter = JSON.stringify(whereOf(view));
  const where = useMemo(() => JSON.parse(filter) as ReturnType<typeof whereOf>, [filter]);
  const store = useMemo(() => new JournalStore(clients.plain, fixed(where)), [clients, where]);
  const listing = useSyncExternalStore(store.listen, store.get);
  const [live, setLive] = useState(true);
  const ready = listing.size !== undefined;
  useEffect(() => {
    status.begin(true);
    void store.read();
    return () => {
      store.close();
    };
  }, [store, status]);
  useEffect(() => {
    if (ready) store.follow(live);
  }, [store, live, ready]);
  useKeys(store, view.entry);
  return (
    <>
      <FilterBar view={view} total={countOf(listing)}>
        <Connection status={status} live={live} refused={listing.refused} />
        <label className="switch">
          <input
            type="checkbox"
            role="switch"
            checked={live}
            onChange={({ target }) => {
              setLive(target.checked);
            }}
          />
          Live
        </label>
      </FilterBar>
      <Histogram where={where} />
      <div className={view.entry === '' ? 'panes' : 'panes open'}>
        <Entries key={filter} store={store} listing={listing} chosen={view.entry} filtered={isFiltered(view)} />
        {view.entry !== '' && <DetailPanel entryKey={view.entry} />}
      </div>
    </>
  );
}

function Page({ name, shown, children }: { name: 'entries' | 'overview'; shown: string; children: string }) {
  return (
    <a
      href={name === 'overview' ? '?page=overview' : './'}
      aria-current={name === shown ? 'page' : undefined}
      onClick={(event) => {
        event.preventDefault();
        go({ page: name, entry: '' });
      }}
    >
      {children}
    </a>
  );
}

/** The console. Who is asking decides what there is to see, so each viewer has clients, and with them a cache, of its own. */
export function App({ access, status, fault }: { access: AccessStore; status: StatusStore; fault: string | undefined }) {
  const { credential, standing, viewers } = useSyncExternalStore(access.listen, access.get);
  const view = useView();
  useEffect(() => {
    document.title = view.page === 'overview' ? 'Overview · samjournal' : 'samjournal';
  }, [view.page]);
  const clients = useMemo(() => {
    void viewers; // another viewer, other clients
    return createClients(access, status);
  }, [access, status, viewers]);
  if (standing.state === 'denied') {
    return <SignIn access={access} again={standing.before || credential.token !== ''} reason={standing.reason} fault={fault} />;
  }
  return (
    <Provider value={clients.cached}>
      <header className="banner">
        <h1>
          samjournal
          {standing.state === 'granted' && standing.viewer.account !== '' && <small> {standing.viewer.account}</small>}
        </h1>
        <nav aria-label="Pages">
          <Page name="entries" shown={view.page}>
            Entries
          </Page>
          <Page name="overview" shown={view.page}>
            Overview
          </Page>
          <a href="playground/">Playground</a>
        </nav>
        <ThemeSwitch />
        {standing.state === 'granted' && credential.token !== '' && (
          <button
            type="button"
            onClick={() => {
              void access.forget();
            }}
          >
            Sign out
          </button>
        )}
      </header>
      <main>
        {standing.state === 'failed' && (
          <p role="alert" className="state">
            {standing.reason}{' '}
            <button
              type="button"
              onClick={() => {
                void access.use({ ...credential });
              }}
            >
              Try again
            </button>
          </p>
        )}
        {standing.state === 'asking' && (
          <p role="status" className="state">
            Connecting …
          </p>
        )}
        {standing.state === 'granted' &&
          (view.page === 'overview' ? <Overview view={view} /> : <Journal clients={clients} status={status} />)}
      </main>
    </Provider>
  );
}
