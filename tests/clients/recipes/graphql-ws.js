// graphql-ws: queries, mutations and subscriptions over one WebSocket, for the list of entry-list.js.

import { createClient } from 'graphql-ws';

/** retryAttempts is 0 because EntryList connects again: it knows after which edge. */
export function connect(url, options) {
  return createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0, ...options });
}
