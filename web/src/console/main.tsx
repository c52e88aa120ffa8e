import './console.css';
import { createRoot } from 'react-dom/client';
import { AccessStore } from '../access';
import { StatusStore } from '../connection';
import { App } from './app';

const root = document.getElementById('root');
if (root === null) throw new Error('console.html has no #root');
const access = new AccessStore();
createRoot(root).render(<App access={access} status={new StatusStore()} />);
void access.begin();
