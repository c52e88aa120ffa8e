import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './schema-types';

/** Operations, checked against the schema when the types are. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { Time: string; Cursor: string; Duration: string; Long: number; JSON: unknown };
}>();
