import './console.css';
import { createRoot } from 'react-dom/client';
import { AccessStore } from '../access';
import { StatusStore } from '../connection';
import { App } from './app';
import { readSettings, takeAnswer } from './settings';

const element = document.getElementById('root');
if (element === null) throw new Error('console.html has no #root');
const root = createRoot(element);
const access = new AccessStore();
const status = new StatusStore();

const render = (fault?: string) => {
  root.render(<App access={access} status={status} fault={fault} />);
};

/** Signs in by the identity provider's answer. Its code is loaded only when somebody signs in so. */
async function arrive({ answer, begun }: NonNullable<ReturnType<typeof takeAnswer>>): Promise<void> {
  const { signIn } = await readSettings();
  if (!signIn || !begun) throw new Error('This sign-in was not begun here, or too long ago: begin it again.');
  const { arrive: finish, reasonOf } = await import('./oidc');
  await finish(signIn, access, answer, begun).catch((problem: unknown) => {
    throw new Error(reasonOf(problem));
  });
}

const returned = takeAnswer();
render();
if (returned) {
  arrive(returned).catch((problem: unknown) => {
    render(`Signing in has failed: ${problem instanceof Error ? problem.message : String(problem)}`);
    void access.begin();
  });
} else {
  void access.begin();
}
