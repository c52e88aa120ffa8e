// Compiles what is here as an application would: relay-compiler for the documents, Babel for the components.

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transformAsync } from '@babel/core';
import ts from 'typescript';

const here = path.dirname(fileURLToPath(import.meta.url));
const project = path.dirname(here);
const require = createRequire(import.meta.url);
const execute = promisify(execFile);

/** The mapping that the schema's descriptions name. */
const customScalarTypes = { Time: 'string', JSON: 'unknown', Cursor: 'string', Long: 'number', Duration: 'string' };

/** Runs relay-compiler into a new directory under .built; gives the directory and the text of each artifact by name. */
export async function compile(schema, language, name = `relay-${language}`) {
  const built = path.join(project, '.built', name);
  await rm(built, { recursive: true, force: true });
  const artifacts = path.join(built, '__generated__');
  await mkdir(artifacts, { recursive: true });
  await writeFile(path.join(built, 'schema.graphql'), schema);
  await writeFile(path.join(built, 'package.json'), '{ "type": "commonjs" }\n');
  const config = {
    root: project,
    sources: { relay: 'entries', recipes: 'entries' },
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
  return require(await transform(built, path.join(here, 'entries.jsx')));
}

/** Compiles the recipe against the schema and loads it. */
export async function loadRecipe(schema) {
  const { built } = await compile(schema, 'javascript', 'recipes');
  const recipes = path.join(project, 'recipes');
  await transform(built, path.join(recipes, 'entries.js'));
  return require(await transform(built, path.join(recipes, 'relay.js')));
}

/** Puts a source as Node runs it, a CommonJS module, beside the artifacts that it refers to. */
async function transform(built, source) {
  const { code } = await transformAsync(await readFile(source, 'utf8'), {
    babelrc: false,
    configFile: false,
    // The artifacts are looked for beside this name.
    filename: path.join(built, path.basename(source)),
    presets: [['@babel/preset-react', { runtime: 'classic' }]],
    plugins: [['relay', { eagerEsModules: false }]],
  });
  const file = path.join(built, `${path.parse(source).name}.js`);
  const { module, target } = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  await writeFile(file, ts.transpileModule(code, { compilerOptions: { module, target } }).outputText);
  return file;
}
