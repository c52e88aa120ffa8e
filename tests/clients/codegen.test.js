// graphql-codegen on the schema, its output under strict TypeScript, and the compiled application against the server.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { idsOf, onEachDatabase, run } from './journal.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.join(here, '.built');
const bin = (name) => path.join(here, 'node_modules/.bin', name);
const execute = promisify(execFile);

async function generate() {
  for (const name of ['codegen', 'out']) await rm(path.join(built, name), { recursive: true, force: true });
  await mkdir(path.join(built, 'codegen'), { recursive: true });
  await writeFile(path.join(built, 'codegen/schema.graphql'), await run(['schema']));
  await execute(bin('graphql-codegen'), ['--config', 'codegen/codegen.ts'], { cwd: here });
}

/** The declarations in a generated file that use the type any. */
async function declarationsWithAny(name) {
  const file = ts.createSourceFile(name, await readFile(path.join(built, 'codegen', name), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = new Set();
  const visit = (node, declaration) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.add(declaration.name.text);
    ts.forEachChild(node, (child) => visit(child, declaration));
  };
  for (const statement of file.statements) visit(statement, statement);
  return [...found];
}

describe('graphql-codegen', { timeout: 120_000 }, () => {
  before(generate);

  test('gives types of the whole schema without any', async () => {
    assert.deepEqual(await declarationsWithAny('schema.ts'), []);
  });

  test('gives types of operations without any', async () => {
    // The class is the generator's own and the same for every schema.
    assert.deepEqual(await declarationsWithAny('gql/graphql.ts'), ['TypedDocumentString']);
  });

  test('compiles under strict TypeScript, each scalar as the schema says', async () => {
    await execute(bin('tsc'), ['--project', 'codegen'], { cwd: here }).catch(({ stdout }) => assert.fail(stdout));
  });
});

onEachDatabase('An application from graphql-codegen', (start) => {
  let server;
  let application;
  before(async () => {
    server = await start();
    application = await import(path.join(built, 'out/codegen/pages.js'));
  });
  after(() => server?.stop());

  test('reads all pages, values as its types say', async () => {
    const ids = [];
    for await (const node of application.entries(server.url)) {
      ids.push(node.id);
      assert.ok(Number.isSafeInteger(node.position));
      assert.match(node.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      assert.notEqual(node.request, undefined);
    }
    assert.deepEqual(ids, await idsOf(server.url));
  });

  test('appends', async () => {
    const request = { nested: [1, 'two', null, { three: 3.5 }] };
    const created = await application.append(server.url, { request, response: null, username: 'erin' });
    assert.equal(created.created, true);
    for await (const node of application.entries(server.url, { position: created.position })) {
      assert.deepEqual(node.request, request);
      assert.deepEqual(node.user, { username: 'erin' });
      assert.equal(node.createdAt, created.createdAt);
    }
  });
});
