// npm graphql: the schema that introspection gives is valid, complete and the one that `samjournal schema` prints.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  assertValidSchema,
  buildClientSchema,
  buildSchema,
  findBreakingChanges,
  findDangerousChanges,
  getIntrospectionQuery,
  isInputObjectType,
  isScalarType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { query, run } from './journal.js';
import { startServer } from '../server.mjs';

const everything = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
};

const sorted = (schema) => printSchema(lexicographicSortSchema(schema));

describe('the schema', () => {
  let server;
  let introspected;
  let printed;

  before(async () => {
    server = await startServer({ entries: 1 });
    introspected = buildClientSchema(await query(server.url, getIntrospectionQuery(everything)));
    printed = buildSchema(await run(['schema']));
  });

  after(() => server?.stop());

  test('is valid', () => {
    assertValidSchema(introspected);
    assertValidSchema(printed);
  });

  test('is the same by introspection and by samjournal schema, descriptions included', () => {
    assert.equal(sorted(introspected), sorted(printed));
    for (const [before, now] of [[introspected, printed], [printed, introspected]]) {
      assert.deepEqual(findBreakingChanges(before, now), []);
      assert.deepEqual(findDangerousChanges(before, now), []);
    }
  });

  test('has the contract\'s root fields', () => {
    const fields = (type) => Object.keys(type.getFields()).sort();
    assert.deepEqual(fields(introspected.getQueryType()), ['entries', 'entry', 'entryStats', 'node', 'nodes', 'tokens', 'users', 'viewer']);
    const administering = ['createAccount', 'createToken', 'revokeToken', 'updateAccount', 'updateUser'];
    assert.deepEqual(fields(introspected.getMutationType()), ['createEntries', 'createEntry', ...administering].sort());
    assert.deepEqual(fields(introspected.getSubscriptionType()), ['entryCreated']);
  });

  test('tells code generators what each of its scalars is', () => {
    const scalars = Object.values(introspected.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
    const told = scalars.map(({ name, description }) => [name, /Code generators: map to `(\w+)`/.exec(description)?.[1]]);
    assert.deepEqual(Object.fromEntries(told), { Time: 'string', JSON: 'unknown', Cursor: 'string', Long: 'number', Duration: 'string' });
  });

  test('takes null for each filter field that it offers, as if it were not there', async () => {
    const { EntryWhereInput } = introspected.getTypeMap();
    assert.ok(isInputObjectType(EntryWhereInput));
    const text = 'query ($where: EntryWhereInput) { entries(first: 1, where: $where) { totalCount } }';
    for (const name of Object.keys(EntryWhereInput.getFields())) {
      const { entries } = await query(server.url, text, { where: { [name]: null } });
      assert.equal(entries.totalCount, 1, name);
    }
  });
});
