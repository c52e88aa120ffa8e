// Who the client is: an API token, or a JWT. What withToken gives are options for connect of every recipe.

/** token() gives the text to send, or a promise of it. It is asked for each request and each connection: a JWT soon expires. */
export function withToken(token) {
  const headers = async () => ({ Authorization: `Bearer ${await token()}` });
  return {
    connectionParams: headers, // graphql-ws: browsers cannot send a header with a WebSocket
    headers, // graphql-sse
    fetch: async (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...(await headers()) } }), // all others
  };
}
