// What stays around every page: the rail (a bar below on phones), the search, the state of the live connection.
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { ConnectionBar, LiveMark } from './connection-bar.tsx';
import { useConnected } from './connected.ts';
import { zoneName } from './format.ts';
import { readFleetQuery, writeFleetQuery } from './fleet/fleet-query.ts';
import { text } from './i18n/en.ts';
import { Icon } from './parts/icon.tsx';
import type { IconName } from './parts/icon.tsx';
import { info, phase, signOut } from './session.ts';
import { StorageBar } from './storage-bar.tsx';
import { nextTheme, theme } from './theme.ts';

const THEME_ICON = { system: 'auto', light: 'sun', dark: 'moon' } as const satisfies Record<string, IconName>;

export function Shell({ children }: { children: ComponentChildren }) {
  const { live } = useConnected();
  const main = useRef<HTMLElement>(null);
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
        <Search />
        <LiveMark />
        <ThemeButton />
        <ConnectionBar />
        <StorageBar />
      </header>
      <main id="content" tabIndex={-1} ref={main}>
        {children}
      </main>
    </div>
  );
}

function Rail() {
  const { path } = useLocation();
  const session = phase.value.kind === 'in' ? phase.value.session : null;
  const isFleet = path === '/' || path.startsWith('/devices/');
  return (
    <nav class="rail" aria-label={text.nav.label}>
      <a class="brand" href="/">
        <Icon name="gate" />
        {text.product}
      </a>
      <a href="/" aria-current={isFleet ? 'page' : undefined}>
        <Icon name="fleet" />
        {text.nav.fleet}
      </a>
      <a href="/serial" aria-current={path === '/serial' ? 'page' : undefined}>
        <Icon name="serial" />
        {text.nav.serial}
      </a>
      <a href="/docs">
        <Icon name="docs" />
        {text.nav.docs}
      </a>
      <div class="rail-end">
        {session === null ? null : (
          <p class="who" title={session.user}>
            <span>{session.user}</span> {session.user === session.role ? null : <small>{text.nav.role[session.role]}</small>}
          </p>
        )}
        <button type="button" onClick={signOut}>
          <Icon name="out" />
          {text.nav.signOut}
        </button>
        <footer>
          {location.hostname}
          <br />
          {info.value?.version} · {zoneName()}
        </footer>
      </div>
    </nav>
  );
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
function Search() {
  const { path, url, route } = useLocation();
  const input = useRef<HTMLInputElement>(null);
  const isFleet = path === '/';
  const query = readFleetQuery(isFleet ? url : '/');

  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const at = event.target as HTMLElement;
      const isTyping =
        at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || document.querySelector('dialog[open]') !== null;
      const isAsked =
        (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) || (event.key === 'k' && (event.ctrlKey || event.metaKey));
      if (!isAsked || input.current === null) return;
      event.preventDefault();
      input.current.focus();
      input.current.select();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);

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
      <kbd aria-hidden="true">{text.nav.searchKey}</kbd>
    </form>
  );
}
