import type { Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import type { ComponentProps } from 'react';
import type { StatusStore } from './connection';
import { NextPageButton } from './pages';
import type { Starter } from './starters';
import { emptyTab } from './starters';
import { StatusBar } from './status-bar';
import { openStorage } from './storage';

const storage = openStorage();

/** What the scalars of the API accept in the variables editor, which would mark an object for JSON as wrong. */
const customScalarSchemas = {
  Cursor: { type: 'string' },
  JSON: { type: ['object', 'array', 'string', 'number', 'boolean'] },
  Long: { type: 'integer' },
  Time: { type: 'string' },
} satisfies ComponentProps<typeof GraphiQL>['customScalarSchemas'];

interface PlaygroundProps {
  readonly fetcher: Fetcher;
  readonly status: StatusStore;
  readonly tabs: readonly Starter[];
}

export function Playground({ fetcher, status, tabs }: PlaygroundProps) {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={tabs.map(({ query, variables }) => ({ query, variables: variables ?? null, headers: null }))}
      defaultQuery={emptyTab}
      onTabChange={({ tabs: shown, activeTabIndex }) => {
        status.showTab(shown[activeTabIndex]?.id);
      }}
      customScalarSchemas={customScalarSchemas}
      defaultEditorToolsVisibility="variables"
      schemaDescription
      inputValueDeprecation
    >
      <GraphiQL.Logo>
        <span className="brand">
          <img src="./favicon.svg" alt="" width="20" height="20" />
          samjournal
        </span>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, copy, merge }) => (
          <>
            <NextPageButton />
            {prettify}
            {merge}
            {copy}
          </>
        )}
      </GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <StatusBar status={status} />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}
