// What every recipe needs: a list that has each entry once, a subscription that goes on where it was, an append that may be
// tried again.

/** Puts an edge into a connection that is newest first. One that is there already, or older than all of it, changes nothing. */
export function withEdge(connection, edge) {
  const { edges, pageInfo } = connection;
  if (edges.some(({ node }) => node.id === edge.node.id)) return connection;
  const below = edges.findIndex(({ node }) => node.position < edge.node.position);
  if (below === -1 && pageInfo.hasNextPage) return connection; // it comes with a page of older entries
  return { ...connection, edges: edges.toSpliced(below === -1 ? edges.length : below, 0, edge) };
}

/**
 * Keeps a list current until the signal aborts. load reads the first page and gives its headCursor, subscribe(after, sink)
 * subscribes and gives what ends that, handle takes an edge into the list, report hears of every problem.
 */
export async function follow({ load, subscribe, handle, report, signal }) {
  let after;
  let failures = 0;
  while (!signal.aborted) {
    try {
      after ??= await load();
      await subscribed(subscribe, after, signal, (edge) => {
        handle(edge);
        after = edge.cursor; // only now, and only here: an edge that createEntry answers may be ahead of others
        failures = 0;
      });
    } catch (problem) {
      report?.(problem);
      if (codeOf(problem) === 'CURSOR_INVALID') after = undefined; // the journal is another one: read it again
      else await pause(problem, failures++, signal);
    }
  }
}

/** Stays subscribed until the signal aborts; rejects when the subscription ends or an edge cannot be handled. */
async function subscribed(subscribe, after, signal, handle) {
  let end;
  const run = (resolve, reject, over) => {
    const next = (edge) => {
      if (over.aborted) return; // an edge before this one was not handled
      try {
        handle(edge);
      } catch (problem) {
        reject(problem);
      }
    };
    const complete = () => reject(new Error('the subscription has ended'));
    end = subscribe(after, { next, error: reject, complete });
  };
  await untilAborted(signal, run).finally(() => end?.());
}

/** Appends an entry, again and again until it is known to be stored, once: the key makes it the same entry. */
export async function createEntry(input, send, { report, signal } = {}) {
  const keyed = { ...input, key: newKey() };
  for (let failures = 0; ; failures++) {
    try {
      return await send(keyed);
    } catch (problem) {
      report?.(problem);
      signal?.throwIfAborted();
      await pause(problem, failures, signal);
    }
  }
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Waits until it makes sense to try again, and throws the problem where it never does. */
async function pause(problem, failures, signal) {
  if (!mayPass(problem)) throw problem;
  const asked = errorOf(problem)?.extensions.retryAfterMs ?? 0;
  const more = Math.random() * Math.min(250 * 2 ** failures, 10_000); // so that not all come back at once
  let timer;
  const run = (resolve) => {
    timer = setTimeout(resolve, asked + more);
  };
  await untilAborted(signal, run).finally(() => clearTimeout(timer));
}

/** Ends as run says, which hears of the end by a signal of its own, or when the signal aborts. */
async function untilAborted(signal, run) {
  const over = new AbortController();
  const promise = new Promise((resolve, reject) => {
    signal?.addEventListener('abort', resolve, { signal: over.signal });
    const settle = (how) => (value) => {
      over.abort();
      how(value);
    };
    run(settle(resolve), settle(reject), over.signal);
  });
  await promise.finally(() => over.abort());
}

/** What the server refuses stays refused, but for want of room or time. All that is no answer of its own is the connection. */
function mayPass(problem) {
  if (errorOf(problem)) return ['UNAVAILABLE', 'RATE_LIMITED'].includes(codeOf(problem));
  const { code } = problem?.networkError ?? problem ?? {};
  return ![1009, 4400, 4401, 4406, 4409, 4429, 4500].includes(code); // close codes of a WebSocket
}

const codeOf = (problem) => errorOf(problem)?.extensions?.code;

/** The first GraphQL error of what a client library throws: a list, Apollo's errors, urql's graphQLErrors. */
const errorOf = (problem) => [problem, problem?.errors, problem?.graphQLErrors].find(Array.isArray)?.[0];
