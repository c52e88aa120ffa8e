import type { CodegenConfig } from '@graphql-codegen/cli';

// What an application copies. strictScalars refuses a scalar without mapping, where `any` would be the default, and
// futureProofEnums makes the compiler ask for a default branch.
const types = {
  strictScalars: true,
  scalars: { Time: 'string', JSON: 'unknown', Cursor: 'string', Long: 'number', Duration: 'string' },
  enumsAsTypes: true,
  futureProofEnums: true,
  useTypeImports: true,
};

const config: CodegenConfig = {
  // Imports between the generated files name their extension, as TypeScript's NodeNext wants.
  importExtension: '.js',
  schema: '.built/codegen/schema.graphql',
  documents: ['codegen/pages.ts'],
  generates: {
    '.built/codegen/schema.ts': { plugins: ['typescript'], config: types },
    '.built/codegen/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { ...types, documentMode: 'string' },
    },
  },
};

export default config;
