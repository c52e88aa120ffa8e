import { isObject } from '../json';

/** How people sign in at an identity provider, as the server tells it. */
export interface SignInSettings {
  /** A part of the provider's discovery document. */
  readonly server: {
    readonly issuer: string;
    readonly authorization_endpoint: string;
    readonly token_endpoint: string;
    readonly id_token_signing_alg_values_supported?: string[];
    readonly authorization_response_iss_parameter_supported?: boolean;
  };
  readonly clientId: string;
  readonly scope: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface Settings {
  readonly signIn: SignInSettings | null;
  /** Whether one could sign in if the provider could be asked. */
  readonly unavailable?: boolean;
}

const none: Settings = { signIn: null };

/** Asks the server; a server that does not answer says nothing of people who sign in. */
export async function readSettings(): Promise<Settings> {
  try {
    const response = await fetch(new URL('./console.json', document.baseURI));
    const settings: unknown = await response.json();
    return isObject(settings) && 'signIn' in settings ? (settings as unknown as Settings) : none;
  } catch {
    return none;
  }
}

/** Where what has to outlive the way to the provider and back is kept, for that time. */
const kept = 'samjournal:sign-in';

/** What is kept of a sign-in that is under way. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** What was looked at: the address's own parameters. */
  readonly search: string;
}

export function keepBegun(begun: Begun): void {
  sessionStorage.setItem(kept, JSON.stringify(begun));
}

/** What was kept, which is forgotten by that. */
export function takeBegun(): Begun | undefined {
  try {
    const text = sessionStorage.getItem(kept);
    sessionStorage.removeItem(kept);
    return text === null ? undefined : (JSON.parse(text) as Begun);
  } catch {
    return undefined;
  }
}

/** The provider's answer, if the page was opened by one. It is taken out of the address at once, where it is of no more use. */
export function takeAnswer(): { answer: URL; begun: Begun | undefined } | undefined {
  const { searchParams } = new URL(location.href);
  if (!searchParams.has('state') || !(searchParams.has('code') || searchParams.has('error'))) return undefined;
  const answer = new URL(location.href);
  const begun = takeBegun();
  history.replaceState(null, '', location.pathname + (begun?.search ?? ''));
  return { answer, begun };
}
