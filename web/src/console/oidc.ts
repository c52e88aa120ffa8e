import * as oauth from 'oauth4webapi';
import type { AccessStore } from '../access';
import { type Begun, keepBegun, type SignInSettings } from './settings';

/**
 * Signs in by OpenID Connect: authorization code flow with PKCE, as a public client. Tokens are in the memory of this page and
 * nowhere else.
 */

/** The part of its time after which a token is renewed, and how soon at least, in ms. */
const renewAfter = 0.75;
const soonest = 1_000;
/** How long to wait when the provider does not answer, in ms. */
const tryAgain = 5_000;
/** What timers can hold, in ms. */
const longest = 2 ** 31 - 1;

interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** How long the access token is good, in ms; undefined where the provider does not say. */
  readonly lives: number | undefined;
}

/** The console's own address, to which the provider sends people back. */
const redirectURI = () => new URL('./', document.baseURI).href;

class Session {
  readonly #server: oauth.AuthorizationServer;
  readonly #client: oauth.Client;
  readonly #options: { [oauth.allowInsecureRequests]: boolean; additionalParameters: Record<string, string> };

  constructor(readonly settings: SignInSettings) {
    this.#server = settings.server;
    this.#client = { client_id: settings.clientId };
    // The server has checked that plain http is to this machine only.
    const plain = settings.server.token_endpoint.startsWith('http:');
    this.#options = { [oauth.allowInsecureRequests]: plain, additionalParameters: { ...settings.parameters } };
  }

  async begin(): Promise<URL> {
    const begun: Begun = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      search: location.search,
    };
    const url = new URL(this.settings.server.authorization_endpoint);
    const parameters = {
      ...this.settings.parameters,
      client_id: this.settings.clientId,
      redirect_uri: redirectURI(),
      response_type: 'code',
      scope: this.settings.scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    keepBegun(begun);
    return url;
  }

  async finish(answer: URL, { state, nonce, verifier }: Begun): Promise<Tokens> {
    const parameters = oauth.validateAuthResponse(this.#server, this.#client, answer, state);
    const response = await oauth.authorizationCodeGrantRequest(
      this.#server,
      this.#client,
      oauth.None(),
      parameters,
      redirectURI(),
      verifier,
      this.#options,
    );
    const found = await oauth.processAuthorizationCodeResponse(this.#server, this.#client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    return tokensOf(found, undefined);
  }

  async renew(refresh: string): Promise<Tokens> {
    const response = await oauth.refreshTokenGrantRequest(this.#server, this.#client, oauth.None(), refresh, this.#options);
    return tokensOf(await oauth.processRefreshTokenResponse(this.#server, this.#client, response), refresh);
  }
}

const tokensOf = (found: oauth.TokenEndpointResponse, refresh: string | undefined): Tokens => ({
  access: found.access_token,
  refresh: found.refresh_token ?? refresh,
  lives: found.expires_in === undefined ? undefined : found.expires_in * 1000,
});

/** Leaves for the provider. */
export async function leave(settings: SignInSettings): Promise<void> {
  if (!isSecureContext) throw new Error('Signing in needs https: browsers lend their cryptography to no other page.');
  location.assign(await new Session(settings).begin());
}

/** Acts as who has signed in, and keeps the access token fresh while the page is open, where the provider lets it. */
export async function arrive(settings: SignInSettings, access: AccessStore, answer: URL, begun: Begun): Promise<void> {
  const session = new Session(settings);
  let tokens = await session.finish(answer, begun);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const wait = (ms: number) => {
    clearTimeout(timer);
    if (!over) timer = setTimeout(() => void onTime(), Math.min(ms, longest));
  };
  const renew = async (): Promise<string | undefined> => {
    if (over || tokens.refresh === undefined) return undefined;
    tokens = await session.renew(tokens.refresh);
    plan();
    return tokens.access;
  };
  const plan = () => {
    if (tokens.refresh !== undefined && tokens.lives !== undefined) wait(Math.max(tokens.lives * renewAfter, soonest));
  };
  const onTime = async () => {
    try {
      const token = await renew();
      if (token !== undefined && !over) access.renew(token);
    } catch (problem) {
      // The provider has refused: the token is good until it expires. Else it did not answer.
      if (!(problem instanceof oauth.ResponseBodyError)) wait(tryAgain);
    }
  };
  const used = access.use({ token: tokens.access, account: '' }, renew);
  const { viewers } = access.get();
  plan();
  const stop = access.listen(() => {
    if (access.get().viewers === viewers) return;
    over = true; // somebody else is here now, or nobody
    clearTimeout(timer);
    stop();
  });
  await used;
}

/** What a person can make of an error. */
export function reasonOf(problem: unknown): string {
  if (problem instanceof oauth.AuthorizationResponseError || problem instanceof oauth.ResponseBodyError) {
    return problem.error_description ?? problem.error;
  }
  return problem instanceof Error ? problem.message : String(problem);
}
