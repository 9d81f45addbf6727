// What stays around every page: the rail (a bar below on phones), the search, the state of the live connection.
import type { ComponentChildren, RefObject } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { AlarmBar } from './alarm-bar.tsx';
import { ConnectionBar, LiveMark, UpgradeBar } from './connection-bar.tsx';
import { useConnected } from './connected.ts';
import { readFleetQuery, writeFleetQuery } from './fleet/fleet-query.ts';
import { text } from './i18n/en.ts';
import { isMac, startKeys } from './keys.ts';
import { overlay } from './overlay.ts';
import { Overlays } from './overlays.tsx';
import { Icon } from './parts/icon.tsx';
import type { IconName } from './parts/icon.tsx';
import { Rail } from './rail.tsx';
import { nextTheme, theme } from './theme.ts';

const THEME_ICON = { system: 'auto', light: 'sun', dark: 'moon' } as const satisfies Record<string, IconName>;

export function Shell({ children }: { children: ComponentChildren }) {
  const { live } = useConnected();
  const { route } = useLocation();
  const main = useRef<HTMLElement>(null);
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => startKeys(route, () => focusSearch(search.current)), []);
  return (
    <div class="shell" data-stale={live.staleSinceMs.value === null ? undefined : ''}>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {text.skipToContent}
      </a>
      <Rail />
      <header class="top">
        <a class="brand" href="/">
          <Icon name="gate" />
          {text.product}
        </a>
        <Search input={search} />
        <LiveMark />
        <ThemeButton />
        <ConnectionBar />
        <UpgradeBar />
        <AlarmBar />
      </header>
      <main id="content" tabIndex={-1} ref={main}>
        {children}
      </main>
      <Overlays />
    </div>
  );
}

/** Where the field has no room, on a phone, the palette finds devices too. */
function focusSearch(field: HTMLInputElement | null): void {
  if (field === null || !field.checkVisibility()) {
    overlay.value = 'palette';
    return;
  }
  field.focus();
  field.select();
}

function ThemeButton() {
  const next = nextTheme(theme.value);
  const label = text.nav.themeButton(text.nav.theme[theme.value], text.nav.theme[next]);
  return (
    <button
      type="button"
      class="btn quiet square"
      aria-label={label}
      title={label}
      onClick={() => {
        theme.value = next;
      }}
    >
      <Icon name={THEME_ICON[theme.value]} />
    </button>
  );
}

/** On the Fleet page it filters as one types; elsewhere Enter goes there. */
function Search({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const { path, url, route } = useLocation();
  const isFleet = path === '/';
  const query = readFleetQuery(isFleet ? url : '/');
  const go = (q: string): void => route(writeFleetQuery({ ...query, q }), isFleet);
  return (
    <form
      class="find"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(input.current?.value ?? '');
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label={text.nav.search}
        placeholder={text.nav.search}
        value={query.q}
        onInput={isFleet ? (event) => go(event.currentTarget.value) : undefined}
        autocomplete="off"
        spellcheck={false}
      />
      <PaletteButton />
    </form>
  );
}

function PaletteButton() {
  const keys = isMac() ? '⌘ K' : 'Ctrl K';
  const label = text.palette.open(keys);
  return (
    <button
      type="button"
      class="palette-button"
      aria-label={label}
      title={label}
      aria-haspopup="dialog"
      aria-keyshortcuts={isMac() ? 'Meta+K' : 'Control+K'}
      onClick={() => {
        overlay.value = 'palette';
      }}
    >
      <kbd data-keys={keys} />
      <Icon name="search" />
    </button>
  );
}
