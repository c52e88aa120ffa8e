import type { ResultOf, VariablesOf } from 'gql.tada';
import { graphql } from './graphql';

export const rowFragment = graphql(`
  fragment Row on Entry @_unmask {
    id
    key
    position
    createdAt
    thing
    thingLabel
    command
    commandLabel
    statusCode
    summary
    user {
      id
      username
    }
  }
`);

export const pageQuery = graphql(
  `
    query page(
      $where: EntryWhereInput
      $after: Cursor
      $first: Int
      $before: Cursor
      $last: Int
      $head: Boolean = false
      $count: Boolean = false
    ) {
      entries(where: $where, after: $after, first: $first, before: $before, last: $last) {
        headCursor @include(if: $head)
        totalCount @include(if: $count)
        pageInfo {
          hasNextPage
          hasPreviousPage
        }
        edges {
          cursor
          node {
            ...Row
          }
        }
      }
    }
  `,
  [rowFragment],
);

export const countQuery = graphql(`
  query count($where: EntryWhereInput) {
    entries(where: $where, first: 0) {
      totalCount
    }
  }
`);

export const arrivals = graphql(
  `
    subscription arrivals($after: Cursor, $where: EntryWhereInput) {
      entryCreated(after: $after, where: $where) {
        cursor
        node {
          ...Row
        }
      }
    }
  `,
  [rowFragment],
);

export const histogramQuery = graphql(`
  query histogram($where: EntryWhereInput, $interval: EntryInterval!, $zone: String!) {
    entryStats(where: $where, groupBy: [STATUS_CLASS], interval: $interval, timeZone: $zone) {
      totalCount
      buckets {
        start
        end
      }
      groups {
        statusClass
        count
        counts
      }
    }
  }
`);

export const detailQuery = graphql(`
  query detail($key: String!) {
    entry(key: $key) {
      id
      key
      position
      createdAt
      recordedAt
      origin
      thing
      thingLabel
      command
      commandLabel
      statusCode
      summary
      payloadState
      redactedPaths
      request
      response
      user {
        id
        username
        displayName
      }
    }
  }
`);

export const atPositionQuery = graphql(`
  query atPosition($position: Long!) {
    entries(where: { position: $position }, first: 1) {
      edges {
        node {
          id
          key
        }
      }
    }
  }
`);

export const overviewQuery = graphql(`
  query overview($where: EntryWhereInput!) {
    classes: entryStats(where: $where, groupBy: [STATUS_CLASS]) {
      totalCount
      groups {
        statusClass
        count
      }
    }
    users: entryStats(where: $where, groupBy: [USER], first: 8) {
      otherCount
      groups {
        count
        user {
          id
          username
        }
      }
    }
    things: entryStats(where: $where, groupBy: [THING], first: 8) {
      otherCount
      groups {
        count
        thing
      }
    }
    commands: entryStats(where: $where, groupBy: [COMMAND], first: 8) {
      otherCount
      groups {
        count
        command
      }
    }
  }
`);

export type Row = ResultOf<typeof rowFragment>;
export type Detail = NonNullable<ResultOf<typeof detailQuery>['entry']>;
export type Where = NonNullable<VariablesOf<typeof pageQuery>['where']> & { readonly search?: string };
export type StatusClass = NonNullable<ResultOf<typeof histogramQuery>['entryStats']['groups'][number]['statusClass']>;
export type Thing = Row['thing'];
export type Command = Row['command'];
