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
import { isBringingAhead } from './lazy-page.tsx';
import { startSession } from './session.ts';
import { startTheme } from './theme.ts';
import { isReplaced } from './upgrade.ts';

// after an upgrade of the gateway an open page asks for parts that are gone: the new page knows their names. While the gateway is away
// nothing must be loaded again: nothing would bring this page back then
addEventListener('vite:preloadError', () => {
  if (!isBringingAhead()) void isReplaced().then((isOther) => isOther && location.reload());
});

startTheme();
startClock();
void startSession();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
