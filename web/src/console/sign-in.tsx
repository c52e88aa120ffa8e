import { type FormEvent, useState } from 'react';
import { type AccessStore, faultOf } from '../access';

/** Asks for a token. It is kept by this page alone, in memory, and is gone with it. */
export function SignIn({ access, again }: { access: AccessStore; again: boolean }) {
  const [token, setToken] = useState('');
  const [account, setAccount] = useState('');
  const credential = { token: token.trim(), account: account.trim() };
  const fault = faultOf(credential);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (credential.token !== '' && fault === undefined) void access.use(credential);
  };
  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>samjournal</h1>
      <p role={again ? 'alert' : undefined}>
        {again ? 'The server does not accept this token any more, or never did.' : 'This server wants to know who you are.'}
      </p>
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
