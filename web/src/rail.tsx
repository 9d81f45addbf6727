// The way to every page: a rail at the side, a strip of icons where it is narrow, a bar below on phones with the rest behind “More”.
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { text } from './i18n/en.ts';
import { Dialog } from './parts/dialog.tsx';
import { Icon } from './parts/icon.tsx';
import { isAtPlace, openPlaces } from './places.ts';
import type { Place } from './places.ts';
import { info, phase, signOut } from './session.ts';
import { ZoneButton } from './zone-button.tsx';

function PlaceLink({ place, path }: { place: Place; path: string }) {
  return (
    <a href={place.href} class={place.isMain ? undefined : 'not-main'} aria-current={isAtPlace(place, path) ? 'page' : undefined}>
      <Icon name={place.icon} />
      <span>{text.nav[place.name]}</span>
    </a>
  );
}

function Docs() {
  return (
    <a href="/docs" class="not-main">
      <Icon name="docs" />
      <span>{text.nav.docs}</span>
    </a>
  );
}

function Who() {
  const session = phase.value.kind === 'in' ? phase.value.session : null;
  if (session === null) return null;
  return (
    <p class="who" title={session.user}>
      <span>{session.user}</span> {session.user === session.role ? null : <small>{text.nav.role[session.role]}</small>}
    </p>
  );
}

function SignOut() {
  return (
    <button type="button" class="not-main" onClick={signOut}>
      <Icon name="out" />
      <span>{text.nav.signOut}</span>
    </button>
  );
}

export function Rail() {
  const { path } = useLocation();
  const [isMore, setMore] = useState(false);
  const places = openPlaces();
  const isElsewhere = places.some((place) => !place.isMain && isAtPlace(place, path));
  return (
    <nav class="rail" aria-label={text.nav.label}>
      <a class="brand" href="/">
        <Icon name="gate" />
        <span>{text.product}</span>
      </a>
      {places.map((place) => (
        <PlaceLink key={place.name} place={place} path={path} />
      ))}
      <Docs />
      <button
        type="button"
        class="more"
        aria-haspopup="dialog"
        aria-expanded={isMore}
        aria-current={isElsewhere ? 'true' : undefined}
        onClick={() => setMore(true)}
      >
        <Icon name="menu" />
        <span>{text.nav.more}</span>
      </button>
      <div class="rail-end">
        <Who />
        <SignOut />
        <footer>
          <span>{location.hostname}</span>
          <span>
            {info.value?.version} · <ZoneButton />
          </span>
        </footer>
      </div>
      {isMore ? <More places={places.filter((place) => !place.isMain)} path={path} onClose={() => setMore(false)} /> : null}
    </nav>
  );
}

function More({ places, path, onClose }: { places: readonly Place[]; path: string; onClose(): void }) {
  const [openedAt] = useState(path);
  useEffect(() => {
    if (path !== openedAt) onClose();
  }, [path]);
  return (
    <Dialog title={text.nav.more} kind="sheet" onClose={onClose}>
      <div class="sheet-links">
        {places.map((place) => (
          <PlaceLink key={place.name} place={place} path={path} />
        ))}
        <Docs />
        <SignOut />
      </div>
      <div class="sheet-foot">
        <Who />
        <span class="dim">
          {location.hostname} · {info.value?.version} · <ZoneButton />
        </span>
      </div>
    </Dialog>
  );
}
