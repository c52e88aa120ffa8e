import { type FormEvent, useEffect, useState } from 'react';
import { type AccessStore, faultOf } from '../access';
import { readSettings, type Settings, type SignInSettings } from './settings';

/** The way to the identity provider. The page is left by it. */
function Provider({ settings }: { settings: SignInSettings }) {
  const [state, setState] = useState<'leaving' | { fault: string }>();
  const leave = async () => {
    setState('leaving');
    try {
      await (await import('./oidc')).leave(settings);
    } catch (problem) {
      setState({ fault: problem instanceof Error ? problem.message : String(problem) });
    }
  };
  return (
    <>
      <button type="button" className="provider" disabled={state === 'leaving'} onClick={() => void leave()}>
        Sign in at {new URL(settings.server.issuer).host}
      </button>
      {typeof state === 'object' && <p role="alert">{state.fault}</p>}
    </>
  );
}

function TokenForm({ access }: { access: AccessStore }) {
  const [token, setToken] = useState('');
  const [account, setAccount] = useState('');
  const credential = { token: token.trim(), account: account.trim() };
  const fault = faultOf(credential);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (credential.token !== '' && fault === undefined) void access.use(credential);
  };
  return (
    <form onSubmit={submit}>
      <label>
        <span>API token or JWT</span>
        <input
          type="password"
          autoComplete="off"
          value={token}
          onChange={({ target }) => {
            setToken(target.value);
          }}
        />
      </label>
      <label>
        <span>Account (operators only)</span>
        <input
          autoComplete="off"
          value={account}
          onChange={({ target }) => {
            setAccount(target.value);
          }}
        />
      </label>
      {fault !== undefined && <p role="alert">{fault}</p>}
      <button type="submit">Sign in</button>
      <p className="hint">
        Whoever runs the server makes one: <code>samjournal token create --role=auditor --name=me</code>. It stays in this
        page&apos;s memory and is forgotten when you close it.
      </p>
    </form>
  );
}

interface Props {
  readonly access: AccessStore;
  /** Whether a credential has been refused, and why. */
  readonly again: boolean;
  readonly reason: string | undefined;
  /** Why signing in at the identity provider has failed, if it has. */
  readonly fault: string | undefined;
}

/** Asks who somebody is. What proves it is kept by this page alone, in memory, and is gone with it. */
export function SignIn({ access, again, reason, fault }: Props) {
  const [settings, setSettings] = useState<Settings>({ signIn: null });
  useEffect(() => {
    void readSettings().then(setSettings);
  }, []);
  return (
    <main className="sign-in">
      <h1>samjournal</h1>
      {fault !== undefined && <p role="alert">{fault}</p>}
      <p role={again ? 'alert' : undefined}>
        {again ? 'The server does not accept this token any more, or never did.' : 'This server wants to know who you are.'}
      </p>
      {again && reason !== undefined && <p className="hint">{reason}</p>}
      {settings.signIn && (
        <>
          <Provider settings={settings.signIn} />
          <p className="hint">Or with a token:</p>
        </>
      )}
      {settings.unavailable === true && (
        <p role="status">The identity provider cannot be reached at the moment. Open this page again, or use a token.</p>
      )}
      <TokenForm access={access} />
    </main>
  );
}
