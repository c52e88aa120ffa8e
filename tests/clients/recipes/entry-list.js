// For clients without a cache of their own: a list of entries, newest first, for a graphql-ws or a graphql-sse client.

import { createEntry, follow, withEdge } from './entries.js';

const edge = 'cursor node { id position summary }';
const page = `query { entries(first: 50) { edges { ${edge} } pageInfo { hasNextPage } headCursor } }`;
const arrivals = `subscription ($after: Cursor) { entryCreated(after: $after) { ${edge} } }`;
const creation = `mutation ($input: CreateEntryInput!) { createEntry(input: $input) { created position edge { ${edge} } } }`;

export class EntryList {
  #client;
  #show;
  #connection = { edges: [], pageInfo: { hasNextPage: true } };

  /** show(edges) is called with every change. */
  constructor(client, show) {
    this.#client = client;
    this.#show = show;
  }

  /** Resolves when options.signal aborts, and rejects when the server will not have this client; see entries.js. */
  follow(options) {
    return follow({
      ...options,
      load: async () => {
        const { entries } = await this.#ask(page);
        this.#set(entries);
        return entries.headCursor;
      },
      subscribe: (after, { next, error, complete }) =>
        this.#client.subscribe(
          { query: arrivals, variables: { after } },
          { next: ({ data, errors }) => (errors ? error(errors) : next(data.entryCreated)), error, complete },
        ),
      handle: (arrived) => this.#set(withEdge(this.#connection, arrived)),
    });
  }

  async create(input, options) {
    const payload = await createEntry(input, async (keyed) => (await this.#ask(creation, { input: keyed })).createEntry, options);
    this.#set(withEdge(this.#connection, payload.edge));
    return payload;
  }

  async #ask(query, variables) {
    for await (const { data, errors } of this.#client.iterate({ query, variables })) {
      if (errors) throw errors;
      return data;
    }
    throw new Error('the connection was closed before the answer');
  }

  #set(connection) {
    this.#connection = connection;
    this.#show(connection.edges);
  }
}
