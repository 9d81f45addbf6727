// The console's entry: theme and session first, then the page that the session allows.
import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/parts.css';
import './styles/dialog.css';
import './styles/shell.css';
import './styles/fleet.css';
import './styles/device.css';
import './styles/sign-in.css';
import { App } from './app.tsx';
import { startClock } from './clock.ts';
import { startSession } from './session.ts';
import { startTheme } from './theme.ts';

// after an upgrade of the gateway an open page asks for parts that are gone: the new page knows their names
addEventListener('vite:preloadError', () => location.reload());

startTheme();
startClock();
void startSession();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
