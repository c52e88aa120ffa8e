import { useSyncExternalStore } from 'react';
import type { Command, StatusClass, Thing, Where } from './documents';

/** What is looked at. All of it is in the address, so that a view can be shared and the browser's own buttons work. */
export interface View {
  readonly page: 'entries' | 'overview';
  /** Words in request, response or summary. */
  readonly search: string;
  readonly user: string;
  readonly thing: string;
  readonly command: string;
  readonly status: string;
  /** An ISO 8601 duration back from now, or empty; from and to win over it. */
  readonly since: string;
  readonly from: string;
  readonly to: string;
  /** The key of the entry whose details are shown. */
  readonly entry: string;
}

const empty: View = {
  page: 'entries',
  search: '',
  user: '',
  thing: '',
  command: '',
  status: '',
  since: '',
  from: '',
  to: '',
  entry: '',
};

function read(search: string): View {
  const parameters = new URLSearchParams(search);
  const view: Record<string, string> = { ...empty };
  for (const name of Object.keys(empty)) {
    const value = parameters.get(name);
    if (value !== null) view[name] = value;
  }
  return { ...(view as unknown as View), page: view['page'] === 'overview' ? 'overview' : 'entries' };
}

function write(view: View): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (value !== empty[name as keyof View]) parameters.set(name, String(value));
  }
  const search = parameters.toString();
  return search === '' ? location.pathname : `${location.pathname}?${search}`;
}

let known = { search: location.search, view: read(location.search) };
const listeners = new Set<() => void>();

function current(): View {
  if (known.search !== location.search) known = { search: location.search, view: read(location.search) };
  return known.view;
}

function tell(): void {
  for (const listener of listeners) listener();
}

addEventListener('popstate', tell);

/** Changes the view. What follows from a step of the reader's own replaces the address instead of adding to the history. */
export function go(change: Partial<View>, { replace = false } = {}): void {
  const address = write({ ...current(), ...change });
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  tell();
}

export function clearFilters(): void {
  go({ search: '', user: '', thing: '', command: '', status: '', since: '', from: '', to: '' });
}

export const useView = (): View =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);

/** The time that is asked for, as a filter. */
export function timeOf({ since, from, to }: View): Where {
  if (from !== '' || to !== '') {
    return { ...(from !== '' && { createdAtGTE: from }), ...(to !== '' && { createdAtLT: to }) };
  }
  return since === '' ? {} : { since };
}

/** The filter of a view. */
export function whereOf(view: View): Where {
  return {
    ...timeOf(view),
    ...(view.search !== '' && { search: view.search }),
    ...(view.user !== '' && { username: view.user }),
    ...(view.thing !== '' && { thing: view.thing as Thing }),
    ...(view.command !== '' && { command: view.command as Command }),
    ...(view.status !== '' && { statusClass: view.status.split(',') as StatusClass[] }),
  };
}

export const isFiltered = (view: View): boolean => Object.keys(whereOf(view)).length > 0;
