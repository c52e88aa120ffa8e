import type { Storage } from '@graphiql/toolkit';

const prefix = 'samjournal:';

/** The browser's own storage, or none where the user has forbidden it. */
function browserStorage(): globalThis.Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/**
 * Storage under names of our own: other programs on this host and port, today or tomorrow, may bring a GraphiQL too, and
 * would show their users our tabs. Where the browser keeps nothing, nothing is kept.
 */
export function openStorage(): Storage {
  const local = browserStorage();
  const names = () => Object.keys(local ?? {}).filter((name) => name.startsWith(prefix));
  return {
    getItem: (name) => local?.getItem(prefix + name) ?? null,
    setItem: (name, value) => local?.setItem(prefix + name, value),
    removeItem: (name) => local?.removeItem(prefix + name),
    clear: () => {
      for (const name of names()) local?.removeItem(name);
    },
    get length() {
      return names().length;
    },
  };
}
