import { type FormEvent, useEffect, useId, useState, useSyncExternalStore } from 'react';
import { type Access, type AccessStore, faultOf, type Standing, type Viewer } from './access';

export const panelID = 'access';

export function useAccess(store: AccessStore): Access {
  return useSyncExternalStore(store.listen, store.get);
}

/** Who the viewer is, in a few words. */
function named({ role, account, username }: Viewer): string {
  return `${role} in ${account}${username === null ? '' : ` as ${username}`}`;
}

function label({ credential, standing }: Access): string {
  switch (standing.state) {
    case 'asking':
      return 'Token …';
    case 'granted':
      return credential.token === '' && credential.account === '' ? 'Token' : named(standing.viewer);
    case 'denied':
      return credential.token === '' ? 'Token needed' : 'Token refused';
    case 'failed':
      return 'Token?';
  }
}

interface AccessButtonProps {
  readonly store: AccessStore;
  readonly open: boolean;
  readonly toggle: () => void;
}

/** Opens and closes the panel; says who the viewer is once a token is in use. */
export function AccessButton({ store, open, toggle }: AccessButtonProps) {
  const access = useAccess(store);
  return (
    <button
      type="button"
      className="access-button"
      data-state={access.standing.state}
      aria-expanded={open}
      aria-controls={panelID}
      onClick={toggle}
    >
      <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
        <circle cx="5" cy="11" r="3" />
        <path d="M7.2 8.8 13.5 2.5M10.5 5.5l2.5 2.5" strokeLinecap="round" />
      </svg>
      <span>{label(access)}</span>
    </button>
  );
}

function Standing({ access: { credential, standing } }: { readonly access: Access }) {
  switch (standing.state) {
    case 'asking':
      return <p>Asking the server…</p>;
    case 'granted':
      return (
        <p>
          You are {named(standing.viewer)}
          {standing.viewer.subject !== null && ` (${standing.viewer.subject})`}.
          {credential.token === '' && ' This server needs no token; one that is sent counts, and must be right.'}
        </p>
      );
    case 'denied':
      return <Denied token={credential.token} before={standing.before} />;
    case 'failed':
      return <p role="alert">{standing.reason}</p>;
  }
}

function Denied({ token, before }: { readonly token: string; readonly before: boolean }) {
  if (token === '') return <p role="alert">This server needs a token, and none is set.</p>;
  return (
    <p role="alert">
      {before
        ? 'The server no longer accepts this token: it has expired or was revoked, or its user was disabled.'
        : 'The server refuses this token (401): it is wrong, has expired or was revoked.'}{' '}
      Nothing is sent again by itself: set another one.
    </p>
  );
}

const command = 'samjournal token create --account=default --role=auditor --name=playground';

/** How to get a token, with the command to copy. */
function Help() {
  const [copied, setCopied] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      setCopied('Copied');
    } catch {
      setCopied('Not allowed here: select it and press Ctrl-C'); // a page without TLS, for one
    }
  };
  return (
    <div className="access-help">
      <p>Whoever runs the server creates one, which is printed this once:</p>
      <div className="access-command">
        <code>{command}</code>
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
        <span aria-live="polite">{copied}</span>
      </div>
      <p>
        <code>--role=reader --user=NAME</code> reads the entries of one user, <code>--role=writer</code> only appends. Where
        the server knows an identity provider, its access token (a JWT) will do.
      </p>
    </div>
  );
}

/** A text field that keeps to itself what is typed: no browser stores, completes, corrects or checks it. */
const discreet = { autoComplete: 'off', autoCapitalize: 'none', autoCorrect: 'off', spellCheck: false } as const;

function Form({ store }: { readonly store: AccessStore }) {
  const { credential, standing } = store.get();
  const [token, setToken] = useState(credential.token);
  const [account, setAccount] = useState(credential.account);
  const [fault, setFault] = useState<string>();
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // What people copy is often the whole header.
    const typed = { token: token.trim().replace(/^(authorization:\s*)?bearer\s+/i, ''), account: account.trim() };
    const found = faultOf(typed);
    setFault(found);
    if (found === undefined) void store.use(typed);
  };
  const forget = () => {
    setToken('');
    setAccount('');
    setFault(undefined);
    void store.forget();
  };
  return (
    <form className="access-form" onSubmit={submit} aria-describedby={`${id}-kept`}>
      <label htmlFor={`${id}-token`}>API token or JWT</label>
      <input
        {...discreet}
        className="access-token"
        id={`${id}-token`}
        // A password field would be offered to the browser's password store.
        type="text"
        placeholder="sjt_…"
        autoFocus={standing.state === 'denied' && credential.token === ''}
        value={token}
        aria-invalid={fault !== undefined}
        onChange={(event) => {
          setToken(event.target.value);
        }}
      />
      <label htmlFor={`${id}-account`}>Account (operators only)</label>
      <input
        {...discreet}
        className="access-account"
        id={`${id}-account`}
        type="text"
        placeholder="that of the token"
        value={account}
        onChange={(event) => {
          setAccount(event.target.value);
        }}
      />
      <button type="submit">Use</button>
      <button type="button" onClick={forget}>
        Forget
      </button>
      {fault !== undefined && (
        <p className="access-fault" role="alert">
          {fault}
        </p>
      )}
      <p className="access-kept" id={`${id}-kept`}>
        It stays in this page&rsquo;s memory, and is gone when you reload.
      </p>
    </form>
  );
}

interface AccessPanelProps {
  readonly store: AccessStore;
  readonly open: boolean;
  readonly setOpen: (open: boolean) => void;
}

/** The credential: a field for it, what the server says to it, how to get one. It opens when the server refuses. */
export function AccessPanel({ store, open, setOpen }: AccessPanelProps) {
  const access = useAccess(store);
  const { state } = access.standing;
  const given = access.credential.token !== '' || access.credential.account !== '';
  useEffect(() => {
    if (state === 'denied' || (state === 'failed' && given)) setOpen(true);
    if (state === 'granted') setOpen(false);
  }, [state, given, setOpen]);
  return (
    <section id={panelID} className="access" aria-label="Access" data-state={state} hidden={!open}>
      {open && (
        <>
          <Standing access={access} />
          <Form store={store} />
          {state === 'denied' && <Help />}
        </>
      )}
    </section>
  );
}
