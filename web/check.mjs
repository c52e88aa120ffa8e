// What the type checker does not see: whether the types of the schema are today's, and how much the console loads.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const here = import.meta.dirname;
const most = 200_000; // bytes, gzipped

function typesAreFresh() {
  const directory = mkdtempSync(path.join(tmpdir(), 'samjournal-types-'));
  try {
    const made = path.join(directory, 'schema-types.d.ts');
    const tada = path.join(here, 'node_modules/.bin/gql.tada');
    execFileSync(tada, ['generate-output', '--output', made], { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] });
    const kept = path.join(here, 'src/console/schema-types.d.ts');
    if (readFileSync(made, 'utf8') === readFileSync(kept, 'utf8')) return true;
    console.error(`${kept} is not what schema.graphql gives: run npm run types`);
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function loadsLittle() {
  const page = readFileSync(path.join(here, 'dist/console.html'), 'utf8');
  const files = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, name]) => name);
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(path.join(here, 'dist', name))).length, 0);
  console.log(`The console loads ${files.length} files, ${bytes.toLocaleString('en')} bytes gzipped; the limit is ${most.toLocaleString('en')}.`);
  return files.length > 0 && bytes <= most;
}

if (!typesAreFresh() || !loadsLittle()) process.exit(1);
