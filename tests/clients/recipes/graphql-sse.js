// graphql-sse: every operation is a request of its own, for the list of entry-list.js.

import { createClient } from 'graphql-sse';

/** retryAttempts is 0 because EntryList connects again: it knows after which edge. */
export function connect(url, options) {
  return createClient({ url, retryAttempts: 0, ...options });
}
