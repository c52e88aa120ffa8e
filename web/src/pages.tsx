import { ToolbarButton, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useMemo } from 'react';
import { isObject } from './json';

interface PageInfo {
  readonly hasNextPage?: unknown;
  readonly endCursor?: unknown;
}

/** The first pageInfo found in a response, looked for field by field and no deeper than connections are nested. */
function findPageInfo(value: unknown, depth = 0): PageInfo | undefined {
  if (!isObject(value) || depth > 3) return undefined;
  if (isObject(value['pageInfo'])) return value['pageInfo'];
  for (const child of Object.values(value)) {
    const found = findPageInfo(child, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function parseObject(text: string | null | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text?.trim() ? text : '{}');
    return isObject(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Where the next page begins, if the response shows that there is one. */
function nextCursor(response: string | null | undefined): string | undefined {
  const page = findPageInfo(parseObject(response)?.['data']);
  return page?.hasNextPage === true && typeof page.endCursor === 'string' ? page.endCursor : undefined;
}

/** Turns the page of an operation that has a variable `$after`: puts the response's endCursor there and runs it. */
export function NextPageButton() {
  const { tab, variableEditor } = useGraphiQL((state) => ({
    tab: state.tabs[state.activeTabIndex],
    variableEditor: state.variableEditor,
  }));
  const { run } = useGraphiQLActions();
  const after = useMemo(
    () => (/\$after\b/.test(tab?.query ?? '') ? nextCursor(tab?.response) : undefined),
    [tab?.query, tab?.response],
  );
  const turn = () => {
    const variables = parseObject(variableEditor?.getValue());
    if (variables === undefined || after === undefined) return;
    variableEditor?.setValue(JSON.stringify({ ...variables, after }, null, 2));
    void run();
  };
  return (
    <ToolbarButton
      label={after === undefined ? 'Next page (needs $after and a pageInfo that has one)' : 'Next page'}
      disabled={after === undefined}
      data-testid="next-page"
      onClick={turn}
    >
      <svg className="graphiql-toolbar-icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" aria-hidden="true">
        <path d="M3 3l5 5-5 5M8.5 3l5 5-5 5" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
    </ToolbarButton>
  );
}
