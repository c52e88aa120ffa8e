import { isObject } from './json';
import { post } from './post';

/**
 * Who the page acts as: the credential that it sends and what the server says to it. Both live in this object and nowhere
 * else, neither in the browser's storage nor in the address, so that a token is gone with the page.
 */

export interface Credential {
  /** An API token or a JWT; empty for none. */
  readonly token: string;
  /** The account in which an operator acts; empty for that of the token. */
  readonly account: string;
}

export interface Viewer {
  readonly role: string;
  readonly subject: string | null;
  readonly account: string;
  readonly username: string | null;
}

export type Standing =
  | { readonly state: 'asking' }
  | { readonly state: 'granted'; readonly viewer: Viewer }
  /** The server wants a credential: none was sent, or it is not valid; before tells that it has been, reason what is wrong. */
  | { readonly state: 'denied'; readonly before: boolean; readonly reason?: string | undefined }
  /** All else: no answer, or an account that is not for this viewer. */
  | { readonly state: 'failed'; readonly reason: string };

export interface Access {
  readonly credential: Credential;
  readonly standing: Standing;
  /** Counts the viewers of this page: the same one may go on with another credential. */
  readonly viewers: number;
}

/** Gets another token for the same viewer; undefined where there is none to be had. */
export type Renewal = () => Promise<string | undefined>;

const nobody: Credential = { token: '', account: '' };

/** The characters of a token (RFC 6750, section 2.1) and of an account; others could not be sent in a header. */
const tokenForm = /^[\w\-.~+/=]+$/;
const accountForm = /^[a-z0-9-]{1,63}$/;

/** What is wrong with a credential as a person has typed it, if anything is. */
export function faultOf({ token, account }: Credential): string | undefined {
  if (token !== '' && !tokenForm.test(token)) return 'A token has no spaces and no such characters: copy it again, whole.';
  if (account !== '' && !accountForm.test(account)) return 'An account is named by its slug: a to z, 0 to 9 and hyphens.';
  return undefined;
}

/** The headers of a request, which are the members of connection_init's payload, too. */
export function headersOf({ token, account }: Credential): Record<string, string> {
  return {
    ...(token !== '' && { authorization: `Bearer ${token}` }),
    ...(account !== '' && { 'x-samjournal-account': account }),
  };
}

/** How long a renewed token has to be good before it is worth renewing once more, in ms. */
const rescueEvery = 10_000;

const whoAmI = 'query { viewer { role subject account { slug } user { username } } }';

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function viewerIn(data: unknown): Viewer | undefined {
  const viewer = isObject(data) ? data['viewer'] : undefined;
  if (!isObject(viewer)) return undefined;
  const { role, subject, account, user } = viewer;
  return {
    role: text(role)?.toLowerCase() ?? 'viewer',
    subject: text(subject),
    account: (isObject(account) ? text(account['slug']) : null) ?? '',
    username: isObject(user) ? text(user['username']) : null,
  };
}

export class AccessStore {
  #access: Access = { credential: nobody, standing: { state: 'asking' }, viewers: 0 };
  #renewal: Renewal | undefined;
  /** When the token was last renewed because it had been refused, in ms since 1970. */
  #rescued = 0;
  readonly #listeners = new Set<() => void>();

  readonly get = (): Access => this.#access;

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get credential(): Credential {
    return this.#access.credential;
  }

  /** Acts by this credential from now on, and finds out what the server says to it: with one request, never again. */
  async use(credential: Credential, renewal?: Renewal): Promise<void> {
    this.#renewal = renewal;
    const viewers = this.#access.viewers + 1;
    this.#publish({ credential, standing: { state: 'asking' }, viewers });
    const standing = await ask(credential);
    if (this.credential === credential) this.#publish({ credential, standing, viewers });
  }

  /** Goes on with another token of the same viewer: what is being read stays. */
  renew(token: string): void {
    this.#publish({ ...this.#access, credential: { ...this.credential, token } });
  }

  /** What the page begins with: no credential, which is enough for a server without access control. */
  begin(): Promise<void> {
    return this.use(nobody);
  }

  forget(): Promise<void> {
    return this.use({ ...nobody });
  }

  /** The server has refused an operation by this credential with 401, or a connection with 4401. */
  deny(credential: Credential): void {
    const { standing, viewers } = this.#access;
    if (this.credential !== credential || standing.state === 'denied') return;
    const denied = () => {
      if (this.credential !== credential) return;
      this.#publish({ credential, standing: { state: 'denied', before: standing.state === 'granted' }, viewers });
    };
    const renewal = this.#renewal;
    // A token may have expired while the machine slept. One that is refused as soon as it is there is another matter.
    if (renewal === undefined || Date.now() - this.#rescued < rescueEvery) {
      denied();
      return;
    }
    this.#rescued = Date.now();
    void renewal().then((token) => {
      if (token === undefined) denied();
      else if (this.credential === credential) this.renew(token);
    }, denied);
  }

  #publish(access: Access): void {
    this.#access = access;
    for (const listener of this.#listeners) listener();
  }
}

async function ask(credential: Credential): Promise<Standing> {
  try {
    const { result, denied } = await post({ query: whoAmI }, headersOf(credential));
    if (denied) return { state: 'denied', before: false, reason: result.errors?.[0]?.message };
    const viewer = viewerIn(result.data);
    if (viewer) return { state: 'granted', viewer };
    return { state: 'failed', reason: result.errors?.[0]?.message ?? 'The server did not say who you are.' };
  } catch (problem) {
    return { state: 'failed', reason: problem instanceof Error ? problem.message : String(problem) };
  }
}
