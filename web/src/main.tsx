import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import './access.css';
import { createRoot } from 'react-dom/client';
import { AccessStore, headersOf } from './access';
import { StatusStore } from './connection';
import { createFetcher } from './fetcher';
import { isObject } from './json';
import { Playground } from './playground';
import { post } from './post';
import { starters } from './starters';
import { createSubscriptionClient } from './subscriptions';

/** A well-formed key that names no entry. */
const noKey = '0'.repeat(64);

/** The key of the newest entry, so that the starter about one entry has one to show; any failure is shown later. */
async function newestKey(access: AccessStore): Promise<string> {
  if (access.get().standing.state !== 'granted') return noKey;
  try {
    const query = '{ entries(first: 1) { edges { node { key } } } }';
    const { result } = await post({ query }, headersOf(access.credential));
    const entries = result.data?.['entries'];
    const [edge] = isObject(entries) && Array.isArray(entries['edges']) ? (entries['edges'] as unknown[]) : [];
    const node = isObject(edge) ? edge['node'] : undefined;
    return isObject(node) && typeof node['key'] === 'string' ? node['key'] : noKey;
  } catch {
    return noKey;
  }
}

const access = new AccessStore();
const status = new StatusStore();
const fetcher = createFetcher(createSubscriptionClient(status, access), status, access);
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
await access.begin();
const tabs = starters(await newestKey(access));
createRoot(root).render(<Playground access={access} fetcher={fetcher} status={status} tabs={tabs} />);
