import type { Command, Thing } from './documents';

/** All values of an enum, by their names: the type makes sure that none is forgotten and none is made up. */
const namesOf = <Name extends string>(names: Record<Name, true>): Name[] => Object.keys(names) as Name[];

export const things = namesOf<Thing>({
  PROMPT: true,
  PLUGIN: true,
  API_PLUGIN: true,
  SQL_PLUGIN: true,
  API_CONNECTION: true,
  SQL_CONNECTION: true,
  ACCOUNT: true,
  SMARTER_AUTH_TOKEN: true,
  USER: true,
  CHAT_CONFIG: true,
  PROMPT_HISTORY: true,
  PROMPT_PLUGIN_USAGE: true,
  PROMPT_TOOL_CALL: true,
  LLM_CLIENT: true,
  PROVIDER: true,
  SECRET: true,
  VECTORSTORE: true,
  PROXY: true,
});

export const commands = namesOf<Command>({
  APPLY: true,
  PROMPT: true,
  CHAT_CONFIG: true,
  DELETE: true,
  DEPLOY: true,
  DESCRIBE: true,
  GET: true,
  JOURNAL: true,
  LOGS: true,
  EXAMPLE_MANIFEST: true,
  STATUS: true,
  JSON_SCHEMA: true,
  VERSION: true,
  UNDEPLOY: true,
  WHOAMI: true,
});
