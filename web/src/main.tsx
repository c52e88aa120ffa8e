import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import { createRoot } from 'react-dom/client';
import { StatusStore } from './connection';
import { createFetcher, post } from './fetcher';
import { isObject } from './json';
import { Playground } from './playground';
import { starters } from './starters';
import { createSubscriptionClient } from './subscriptions';

/** A well-formed key that names no entry. */
const noKey = '0'.repeat(64);

/** The key of the newest entry, so that the starter about one entry has one to show; any failure is shown later. */
async function newestKey(): Promise<string> {
  try {
    const { data } = await post({ query: '{ entries(first: 1) { edges { node { key } } } }' });
    const entries = data?.['entries'];
    const [edge] = isObject(entries) && Array.isArray(entries['edges']) ? (entries['edges'] as unknown[]) : [];
    const node = isObject(edge) ? edge['node'] : undefined;
    return isObject(node) && typeof node['key'] === 'string' ? node['key'] : noKey;
  } catch {
    return noKey;
  }
}

const status = new StatusStore();
const fetcher = createFetcher(createSubscriptionClient(status), status);
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(<Playground fetcher={fetcher} status={status} tabs={starters(await newestKey())} />);
