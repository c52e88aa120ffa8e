// Fails to compile when a scalar is anything else than the schema's descriptions say, `any` above all.

import type { Entry, PageInfo, Scalars, Thing } from '../.built/codegen/schema.js';
import type { append, entries } from './pages.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Yielded<T> = T extends (...args: never) => AsyncGenerator<infer Value> ? Value : never;
type Node = Yielded<typeof entries>;
type Created = Awaited<ReturnType<typeof append>>;

export const holds: {
  time: Equal<Scalars['Time'], { input: string; output: string }>;
  json: Equal<Scalars['JSON'], { input: unknown; output: unknown }>;
  cursor: Equal<Scalars['Cursor'], { input: string; output: string }>;
  long: Equal<Scalars['Long'], { input: number; output: number }>;
  entryPosition: Equal<Entry['position'], number>;
  endCursor: Equal<PageInfo['endCursor'], string | null | undefined>;
  nodePosition: Equal<Node['position'], number>;
  nodeCreatedAt: Equal<Node['createdAt'], string>;
  nodeRequest: Equal<Node['request'], unknown>;
  nodeUser: Equal<Node['user'], { username: string } | null>;
  createdPosition: Equal<Created['position'], number>;
  futureThing: Equal<'%future added value' extends Thing ? true : false, true>;
} = {
  time: true,
  json: true,
  cursor: true,
  long: true,
  entryPosition: true,
  endCursor: true,
  nodePosition: true,
  nodeCreatedAt: true,
  nodeRequest: true,
  nodeUser: true,
  createdPosition: true,
  futureThing: true,
};
