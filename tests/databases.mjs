// Databases of a test's own, which can go back to an earlier state as when a backup is restored.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** One file. A server that has stopped leaves all in it. */
async function createSQLite() {
  const directory = await mkdtemp(path.join(tmpdir(), 'samjournal-recipes-'));
  const file = path.join(directory, 'journal.db');
  return {
    url: `file:${file}`,
    backup: async () => {
      await assertMissing(`${file}-wal`);
      await copyFile(file, `${file}.backup`);
    },
    restore: async () => {
      await assertMissing(`${file}-wal`);
      await copyFile(`${file}.backup`, file);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function assertMissing(file) {
  const isThere = await access(file).then(() => true, () => false);
  if (isThere) throw new Error(`${file} is there: a server still runs, or did not end well`);
}

/** A database beside the one of the tests. Its backup is a copy, which takes its place. */
async function createPostgreSQL() {
  const url = new URL(process.env.DATABASE_URL_POSTGRES);
  const superuser = process.env.SUPERUSER_DATABASE_URL;
  if (!superuser) throw new Error('SUPERUSER_DATABASE_URL is not set: run the tests with make test-clients');
  const name = `recipes_${randomBytes(6).toString('hex')}`;
  const owner = decodeURIComponent(url.username);
  const sql = (text) => execute('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', text, superuser]);
  await sql(`CREATE DATABASE ${name} OWNER ${owner}`);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    backup: () => sql(`CREATE DATABASE ${name}_backup TEMPLATE ${name} OWNER ${owner}`),
    restore: async () => {
      await sql(`DROP DATABASE ${name}`);
      await sql(`ALTER DATABASE ${name}_backup RENAME TO ${name}`);
    },
    remove: () => sql(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}

export const databases = [{ name: 'SQLite', create: createSQLite }];
if (process.env.DATABASE_URL_POSTGRES) databases.push({ name: 'PostgreSQL', create: createPostgreSQL });
