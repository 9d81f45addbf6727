// Which page is shown: by the session first, by the address second.
import { ErrorBoundary, LocationProvider, Route, Router, lazy } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { createConnected, ConnectedProvider } from './connected.ts';
import type { Connected } from './connected.ts';
import { FleetPage } from './fleet/fleet-page.tsx';
import { text } from './i18n/en.ts';
import { Empty } from './parts/empty.tsx';
import { phase, startSession } from './session.ts';
import { Shell } from './shell.tsx';
import { SetupPage } from './sign-in/setup-page.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { UnreachablePage } from './sign-in/unreachable-page.tsx';

const DevicePage = lazy(() => import('./device/device-page.tsx').then((module) => module.DevicePage));
const SerialPage = lazy(() => import('./serial/serial-page.tsx').then((module) => module.SerialPage));
const ExplorePage = lazy(() => import('./explore/explore-page.tsx').then((module) => module.ExplorePage));
const QuarantinePage = lazy(() => import('./quarantine/quarantine-page.tsx').then((module) => module.QuarantinePage));
const EventsPage = lazy(() => import('./events/events-page.tsx').then((module) => module.EventsPage));
const SettingsPage = lazy(() => import('./settings/settings-page.tsx').then((module) => module.SettingsPage));
/** Addresses of pages; everything else on this origin (/docs, /ca.crt) is the browser's business. */
const PAGES = /^\/($|\?|devices\/|(explore|serial|quarantine|events|settings)($|\?))/;

export function App() {
  const now = phase.value;
  switch (now.kind) {
    case 'starting':
      return null;
    case 'setup':
      return <SetupPage />;
    case 'sign-in':
      return <SignInPage notice={now.notice} />;
    case 'unreachable':
      return <UnreachablePage onRetry={startSession} />;
    case 'in':
      return <Console key={now.session.user} />;
    default: {
      const unknown: never = now;
      return unknown;
    }
  }
}

function Console() {
  const [connected, setConnected] = useState<Connected | null>(null);
  useEffect(() => {
    const mine = createConnected();
    setConnected(mine);
    return () => mine.close();
  }, []);
  if (connected === null) return null;
  return (
    <LocationProvider scope={PAGES}>
      <ConnectedProvider value={connected}>
        <Shell>
          <Pages />
        </Shell>
      </ConnectedProvider>
    </LocationProvider>
  );
}

function Pages() {
  const [isBroken, setBroken] = useState(false);
  if (isBroken) {
    return (
      <Empty title={text.failed.title} body={text.failed.body}>
        <button type="button" class="btn primary" onClick={() => location.reload()}>
          {text.failed.again}
        </button>
      </Empty>
    );
  }
  return (
    <ErrorBoundary
      onError={(error) => {
        console.error(error);
        setBroken(true);
      }}
    >
      <Router>
        <Route path="/" component={FleetPage} />
        <Route path="/devices/:id" component={DevicePage} />
        <Route path="/explore" component={ExplorePage} />
        <Route path="/serial" component={SerialPage} />
        <Route path="/quarantine" component={QuarantinePage} />
        <Route path="/events" component={EventsPage} />
        <Route path="/settings" component={SettingsPage} />
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}

function NotFound() {
  return (
    <Empty title={text.notFound.title} body={text.notFound.body}>
      <a class="btn primary" href="/">
        {text.notFound.back}
      </a>
    </Empty>
  );
}
