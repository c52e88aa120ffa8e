import type { Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { type ComponentProps, useCallback, useState } from 'react';
import type { AccessStore } from './access';
import { AccessButton, AccessPanel, useAccess } from './access-panel';
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
  readonly access: AccessStore;
  readonly fetcher: Fetcher;
  readonly status: StatusStore;
  readonly tabs: readonly Starter[];
}

export function Playground({ access, fetcher, status, tabs }: PlaygroundProps) {
  const { standing } = useAccess(access);
  const [open, setOpen] = useState(standing.state === 'denied');
  const toggle = useCallback(() => {
    setOpen((before) => !before);
  }, []);
  // null: GraphiQL does not ask for the schema, which would be refused. Without it GraphiQL asks; so it does whenever the
  // credential has changed, because every new one is asked about first.
  const schema = standing.state === 'asking' || standing.state === 'denied' ? { schema: null } : {};
  return (
    <>
      <AccessPanel store={access} open={open} setOpen={setOpen} />
      <GraphiQL
        {...schema}
        fetcher={fetcher}
        storage={storage}
        defaultTabs={tabs.map(({ query, variables }) => ({ query, variables: variables ?? null, headers: null }))}
        defaultQuery={emptyTab}
        onTabChange={({ tabs: shown, activeTabIndex }) => {
          status.showTab(shown[activeTabIndex]?.id);
        }}
        customScalarSchemas={customScalarSchemas}
        defaultEditorToolsVisibility="variables"
        // GraphiQL stores the headers of whatever ran, in its history.
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
        schemaDescription
        inputValueDeprecation
      >
        <GraphiQL.Logo>
          <span className="brand">
            <AccessButton store={access} open={open} toggle={toggle} />
            <img src="./favicon.svg" alt="" width="20" height="20" />
            <span>samjournal</span>
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
    </>
  );
}
