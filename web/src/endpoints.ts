/** Where the API is, seen from the page: `/playground/` and `/graphql` have one parent, whatever a proxy puts before it. */
export const graphqlURL = new URL('../graphql', document.baseURI);

export function webSocketURL(): string {
  const url = new URL(graphqlURL);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
