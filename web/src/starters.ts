/** The tabs of a first visit. Each says what it does; together they are a tour of the API. */

export interface Starter {
  readonly query: string;
  readonly variables?: string;
}

const newestEntries = `# The newest entries of your journal.
# Run it: button on the right, or Ctrl-Enter.
# Hover over a name to read what it means;
# Ctrl-Space completes what you type.
query NewestEntries {
  entries(first: 10) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        key
        position
        createdAt
        summary
        statusCode
      }
    }
  }
}
`;

const filteredPages = `# Page by page through the entries that match.
# The double arrow on the right turns the page:
# it puts pageInfo.endCursor into the variable
# "after" and runs again. Filters: thing,
# thingNEQ, thingIn, statusCodeGTE, and, not ...
query FilteredPages($first: Int, $after: Cursor, $where: EntryWhereInput) {
  entries(
    first: $first
    after: $after
    where: $where
    orderBy: { field: POSITION, direction: DESC }
  ) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        position
        createdAt
        thing
        command
        statusCode
        user {
          username
        }
      }
    }
  }
}
`;

const createEntry = `# Appends the entry in the variables below, for
# ever: none is ever changed or deleted.
# The answer comes when the entry is durable.
# Secrets are masked before anything is stored;
# redactedPaths tells where.
mutation CreateEntry($input: CreateEntryInput!) {
  createEntry(input: $input) {
    created
    key
    position
    createdAt
    entry {
      summary
      request
      redactedPaths
    }
  }
}
`;

const newEntries = `# Every new entry, as it is appended. Run it,
# open this page in another browser tab and run
# CreateEntry there. "after" takes any cursor:
# entries since then come first, then live ones.
# After a lost connection the Playground resumes
# with the entry that follows the last received.
subscription NewEntries($after: Cursor) {
  entryCreated(after: $after) {
    cursor
    node {
      position
      summary
      createdAt
      statusCode
    }
  }
}
`;

const oneEntry = `# One entry with all that was journaled, by key.
# NewestEntries lists keys: put one below.
query OneEntry($key: String!) {
  entry(key: $key) {
    id
    position
    createdAt
    recordedAt
    origin
    summary
    thingLabel
    commandLabel
    statusCode
    user {
      username
    }
    payloadState
    request
    response
    redactedPaths
  }
}
`;

const whoAmI = `# Who you are to this server,
# and whose journal you read and write.
query WhoAmI {
  viewer {
    role
    subject
    account {
      slug
      name
    }
    user {
      username
    }
  }
}
`;

const exampleInput = {
  username: 'alice',
  thing: 'PLUGIN',
  command: 'APPLY',
  statusCode: 200,
  request: {
    method: 'POST',
    path: '/api/v1/cli/apply/',
    headers: { Authorization: 'Bearer this-is-masked-before-it-is-stored' },
    manifest: { kind: 'Plugin', metadata: { name: 'everlasting-gobstopper' } },
  },
  response: { message: 'Plugin everlasting-gobstopper applied successfully' },
};

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** The starter tabs; key is the entry that OneEntry shows first. */
export function starters(key: string): Starter[] {
  return [
    { query: newestEntries },
    {
      query: filteredPages,
      variables: json({ first: 5, after: null, where: { commandNEQ: 'PROMPT', statusCodeLT: 400 } }),
    },
    { query: createEntry, variables: json({ input: exampleInput }) },
    { query: newEntries, variables: json({ after: null }) },
    { query: oneEntry, variables: json({ key }) },
    { query: whoAmI },
  ];
}

/** What a new tab starts with. */
export const emptyTab = '# Write a query here: Ctrl-Space lists what is\n# possible, the book on the left explains it.\n\n';
