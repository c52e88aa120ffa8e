// Compiles what is here as an application would: relay-compiler for the documents, Babel for the components.

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transformAsync } from '@babel/core';

const here = path.dirname(fileURLToPath(import.meta.url));
const project = path.dirname(here);
const require = createRequire(import.meta.url);
const execute = promisify(execFile);

/** The mapping that the schema's descriptions name. */
const customScalarTypes = { Time: 'string', JSON: 'unknown', Cursor: 'string', Long: 'number' };

/** Runs relay-compiler into a new directory under .built; gives the directory and the text of each artifact by name. */
export async function compile(schema, language) {
  const built = path.join(project, '.built', `relay-${language}`);
  await rm(built, { recursive: true, force: true });
  const artifacts = path.join(built, '__generated__');
  await mkdir(artifacts, { recursive: true });
  await writeFile(path.join(built, 'schema.graphql'), schema);
  await writeFile(path.join(built, 'package.json'), '{ "type": "commonjs" }\n');
  const config = {
    root: project,
    sources: { relay: 'entries' },
    projects: {
      entries: {
        schema: path.relative(project, path.join(built, 'schema.graphql')),
        output: path.relative(project, artifacts),
        language,
        eagerEsModules: false,
        customScalarTypes,
        typescriptExcludeUndefinedFromNullableUnion: true,
      },
    },
  };
  await writeFile(path.join(built, 'relay.config.json'), JSON.stringify(config));
  await execute(require('relay-compiler'), [path.join(built, 'relay.config.json')], { cwd: project });
  const texts = new Map();
  for (const name of await readdir(artifacts)) texts.set(name, await readFile(path.join(artifacts, name), 'utf8'));
  return { built, texts };
}

/** Compiles the components against the schema and loads them. */
export async function load(schema) {
  const { built } = await compile(schema, 'javascript');
  const source = await readFile(path.join(here, 'entries.jsx'), 'utf8');
  const { code } = await transformAsync(source, {
    babelrc: false,
    configFile: false,
    // The artifacts are looked for beside this name.
    filename: path.join(built, 'entries.jsx'),
    presets: [['@babel/preset-react', { runtime: 'classic' }]],
    plugins: [['relay', { eagerEsModules: false }]],
  });
  const file = path.join(built, 'entries.js');
  await writeFile(file, code);
  return require(file);
}
