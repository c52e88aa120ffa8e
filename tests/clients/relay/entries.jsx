// What an application with Relay has: lists that grow in either direction, an entry that can be read again, a form, and
// entries that arrive.

const React = require('react');
const {
  graphql,
  useLazyLoadQuery,
  useMutation,
  usePaginationFragment,
  useRefetchableFragment,
  useSubscription,
} = require('react-relay');

function Entry({ entry }) {
  const [data, refetch] = useRefetchableFragment(
    graphql`
      fragment entriesEntry_entry on Entry @refetchable(queryName: "entriesEntryRefetchQuery") {
        id
        position
        summary
        request
        user {
          username
        }
      }
    `,
    entry,
  );
  return (
    <li id={data.id} onClick={() => refetch({}, { fetchPolicy: 'network-only' })}>
      {data.position}
    </li>
  );
}

function List({ query }) {
  const { data, loadNext, hasNext, isLoadingNext, refetch } = usePaginationFragment(
    graphql`
      fragment entriesList_query on Query
      @argumentDefinitions(
        count: { type: "Int", defaultValue: 50 }
        cursor: { type: "Cursor" }
        where: { type: "EntryWhereInput" }
      )
      @refetchable(queryName: "entriesListPaginationQuery") {
        entries(first: $count, after: $cursor, where: $where) @connection(key: "entriesList_entries") {
          __id
          edges {
            node {
              id
              ...entriesEntry_entry
            }
          }
        }
      }
    `,
    query,
  );
  return (
    <section name="list" connection={data.entries.__id}>
      {data.entries.edges.map(({ node }) => (
        <Entry key={node.id} entry={node} />
      ))}
      {hasNext && <button name="more" disabled={isLoadingNext} onClick={() => loadNext(60)} />}
      <button name="filter" onClick={() => refetch({ where: { thing: 'PROMPT' } })} />
    </section>
  );
}

function OldestFirst({ query }) {
  const { data, loadPrevious, hasPrevious, isLoadingPrevious } = usePaginationFragment(
    graphql`
      fragment entriesOldest_query on Query
      @argumentDefinitions(count: { type: "Int", defaultValue: 50 }, cursor: { type: "Cursor" })
      @refetchable(queryName: "entriesOldestPaginationQuery") {
        entries(last: $count, before: $cursor) @connection(key: "entriesOldest_entries") {
          edges {
            node {
              id
            }
          }
        }
      }
    `,
    query,
  );
  return (
    <section name="oldest">
      {hasPrevious && <button name="more" disabled={isLoadingPrevious} onClick={() => loadPrevious(60)} />}
      {data.entries.edges.map(({ node }) => (
        <li key={node.id} id={node.id} />
      ))}
    </section>
  );
}

function Form({ connection }) {
  const [create, isInFlight] = useMutation(graphql`
    mutation entriesCreateMutation($input: CreateEntryInput!, $connections: [ID!]!) {
      createEntry(input: $input) {
        key
        created
        edge @prependEdge(connections: $connections) {
          node {
            id
            ...entriesEntry_entry
          }
        }
      }
    }
  `);
  const input = { username: 'dave', thing: 'PLUGIN', command: 'APPLY', request: { name: 'x' }, response: null };
  const press = () => create({ variables: { input, connections: [connection] } });
  return <button name="create" disabled={isInFlight} onClick={press} />;
}

function Arrivals({ connection, after }) {
  const config = React.useMemo(
    () => ({
      subscription: graphql`
        subscription entriesCreatedSubscription($after: Cursor, $connections: [ID!]!) {
          entryCreated(after: $after) @prependEdge(connections: $connections) {
            node {
              id
              ...entriesEntry_entry
            }
          }
        }
      `,
      variables: { after, connections: [connection] },
    }),
    [connection, after],
  );
  useSubscription(config);
  return null;
}

/** The newest entries; children gets the cursor of the journal's end as this page saw it. */
function Newest({ children }) {
  const data = useLazyLoadQuery(
    graphql`
      query entriesNewestQuery {
        head: entries(first: 0) {
          headCursor
        }
        ...entriesList_query
      }
    `,
    {},
  );
  return (
    <>
      <List query={data} />
      {children?.(data.head.headCursor)}
    </>
  );
}

function Oldest() {
  const data = useLazyLoadQuery(
    graphql`
      query entriesOldestQuery {
        ...entriesOldest_query
      }
    `,
    {},
  );
  return <OldestFirst query={data} />;
}

module.exports = { Newest, Oldest, Arrivals, Form };
