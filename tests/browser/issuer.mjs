// An OpenID Connect issuer at which people sign in, as a process of its own:
// node issuer.mjs PORT REDIRECT_URI SECONDS, where SECONDS is how long an access token is good.
//
// Whoever types a name is that person, an auditor of the journal; the name "nobody" has no role in it.

import { argv } from 'node:process';
import Provider from 'oidc-provider';

const [, , port, redirectURI, seconds] = argv;

const page = (uid) => `<!doctype html><html lang="en"><title>Issuer</title>
<form method="post" action="/interaction/${uid}"><label>Name <input name="name"></label><button>Let me in</button></form>
<form method="post" action="/interaction/${uid}"><input type="hidden" name="refuse" value="1"><button>Rather not</button></form>`;

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'console',
    redirect_uris: [redirectURI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }],
  cookies: { keys: ['of an issuer that lives for a test'] },
  pkce: { required: () => true },
  clientBasedCORS: () => true,
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  // Consent is given by signing in.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope('urn:journal', 'journal');
    await grant.save();
    return grant;
  },
  issueRefreshToken: async (_context, _client, code) => code.scopes.has('offline_access') || code.scopes.has('openid'),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'journal', audience: 'journal', accessTokenFormat: 'jwt', accessTokenTTL: Number(seconds), jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (_context, { accountId }) => ({
    samjournal_account: 'default', preferred_username: accountId, ...(accountId !== 'nobody' && { samjournal_role: 'auditor' }),
  }),
});

provider.use(async (context, next) => {
  const [, uid] = /^\/interaction\/([\w-]+)$/.exec(context.path) ?? [];
  if (uid === undefined) return next();
  if (context.method === 'GET') {
    context.type = 'html';
    context.body = page(uid);
    return undefined;
  }
  let form = '';
  for await (const text of context.req) form += text;
  const fields = new URLSearchParams(form);
  const result = fields.has('refuse')
    ? { error: 'access_denied', error_description: 'They would rather not.' }
    : { login: { accountId: fields.get('name') } };
  context.respond = false;
  return provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false });
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
