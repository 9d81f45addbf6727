// Which page is shown: by the session first, by the address second.
import type { ComponentChildren } from 'preact';
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { Role } from '../../gateway/protocol/rest.ts';
import { createConnected, ConnectedProvider } from './connected.ts';
import type { Connected } from './connected.ts';
import { FleetPage } from './fleet/fleet-page.tsx';
import { text } from './i18n/en.ts';
import { isKiosk, reloadKiosk } from './kiosk/kiosk.ts';
import { lazyPage, preloadPages } from './lazy-page.tsx';
import { Empty } from './parts/empty.tsx';
import { refusingPlace } from './places.ts';
import { phase, startSession } from './session.ts';
import { Shell } from './shell.tsx';
import { SetupPage } from './sign-in/setup-page.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { UnreachablePage } from './sign-in/unreachable-page.tsx';
import { watchUpgrade } from './upgrade.ts';

const DevicePage = lazyPage(() => import('./device/device-page.tsx').then((module) => module.DevicePage));
const SerialPage = lazyPage(() => import('./serial/serial-page.tsx').then((module) => module.SerialPage));
const ExplorePage = lazyPage(() => import('./explore/explore-page.tsx').then((module) => module.ExplorePage));
const QuarantinePage = lazyPage(() => import('./quarantine/quarantine-page.tsx').then((module) => module.QuarantinePage));
const EventsPage = lazyPage(() => import('./events/events-page.tsx').then((module) => module.EventsPage));
const SettingsPage = lazyPage(() => import('./settings/settings-page.tsx').then((module) => module.SettingsPage));
const WallPage = lazyPage(() => import('./kiosk/wall-page.tsx').then((module) => module.WallPage));
const KioskShell = lazyPage<{ children: ComponentChildren }>(() => import('./kiosk/kiosk-shell.tsx').then((module) => module.KioskShell));
const LAZY_PAGES = [DevicePage, EventsPage, ExplorePage, SerialPage, QuarantinePage, SettingsPage];
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
    void preloadPages(LAZY_PAGES);
    const stopWatching = watchUpgrade(mine.live, isKiosk ? reloadKiosk : null);
    return () => {
      stopWatching();
      mine.close();
    };
  }, []);
  if (connected === null) return null;
  return (
    <LocationProvider scope={PAGES}>
      <ConnectedProvider value={connected}>
        {isKiosk ? (
          <KioskShell>
            <Pages />
          </KioskShell>
        ) : (
          <Shell>
            <Pages />
          </Shell>
        )}
      </ConnectedProvider>
    </LocationProvider>
  );
}

function Pages() {
  const { path } = useLocation();
  const [isBroken, setBroken] = useState(false);
  const refusing = refusingPlace(path);
  if (isBroken) {
    return (
      <Empty isPage title={text.failed.title} body={text.failed.body}>
        <button type="button" class="btn primary" onClick={() => location.reload()}>
          {text.failed.again}
        </button>
      </Empty>
    );
  }
  if (refusing !== undefined) return <NotAllowed needed={refusing.role} />;
  return (
    <ErrorBoundary
      onError={(error) => {
        console.error(error);
        setBroken(true);
      }}
    >
      <Router>
        <Route path="/" component={isKiosk ? WallPage : FleetPage} />
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

function NotAllowed({ needed }: { needed: Role }) {
  const mine = phase.value.kind === 'in' ? phase.value.session.role : 'viewer';
  useEffect(() => {
    document.title = text.product;
  }, []);
  return (
    <Empty isPage title={text.notAllowed.title(needed)} body={text.notAllowed.body(mine)}>
      <a class="btn" href="/">
        {text.notFound.back}
      </a>
    </Empty>
  );
}

function NotFound() {
  return (
    <Empty isPage title={text.notFound.title} body={text.notFound.body}>
      <a class="btn primary" href="/">
        {text.notFound.back}
      </a>
    </Empty>
  );
}
