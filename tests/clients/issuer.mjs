// An OpenID Connect issuer, as a process of its own: node issuer.mjs PORT USERNAME, with its private keys (a JWKS) in JWKS.
// Each client gets tokens by its own credentials, for the role that it is named after.

import process from 'node:process';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const username = process.argv[3];
const secret = 'secret of an issuer that lives for a test';

/** What a token is for, by the resource that is asked for. */
const resources = {
  'urn:journal': { audience: 'journal', accessTokenTTL: 3600 },
  'urn:journal:short': { audience: 'journal', accessTokenTTL: 1 },
  'urn:another': { audience: 'another service', accessTokenTTL: 3600 },
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: JSON.parse(process.env.JWKS),
  clients: ['writer', 'reader', 'auditor', 'operator', 'nobody'].map((role) => ({
    client_id: role,
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
  })),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => ({
        scope: '', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } }, ...resources[resource],
      }),
    },
  },
  extraTokenClaims: (_context, token) => ({
    samjournal_account: 'default',
    samjournal_role: ['offline_access', token.clientId],
    preferred_username: username,
  }),
});

provider.listen(port, '127.0.0.1', () => console.log('ready'));
