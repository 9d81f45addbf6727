// What the palette offers besides devices: pages and actions, as far as the role goes, in the order of how well they fit what is typed.
import { overlay } from '../overlay.ts';
import { letterKeys } from '../keys.ts';
import { text } from '../i18n/en.ts';
import { copyText } from '../parts/copy-button.tsx';
import type { IconName } from '../parts/icon.tsx';
import { openPlaces } from '../places.ts';
import { may, signOut } from '../session.ts';
import { theme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { changeZone, isUtc } from '../zone.ts';
import { fuzzyScore } from './fuzzy.ts';

export interface PaletteItem {
  readonly id: string;
  readonly icon: IconName;
  readonly name: string;
  readonly hint?: string;
  /** What is pressed instead, without the palette. */
  readonly keys?: string;
  /** False keeps the palette open. */
  run(): void | Promise<void>;
}

const THEME_ICON = { system: 'auto', light: 'sun', dark: 'moon' } as const satisfies Record<Theme, IconName>;

export function pageItems(go: (href: string) => void): PaletteItem[] {
  const isOn = letterKeys.value === 'on';
  const places = openPlaces().map(
    (place): PaletteItem => ({
      id: place.name,
      icon: place.icon,
      name: text.nav[place.name],
      ...(isOn ? { keys: `g ${place.key}` } : {}),
      run: () => go(place.href),
    }),
  );
  return [...places, { id: 'docs', icon: 'docs', name: text.nav.docs, run: () => location.assign('/docs') }];
}

export function actionItems(): PaletteItem[] {
  const words = text.palette.actions;
  const items: PaletteItem[] = [];
  if (may('operator')) {
    items.push({
      id: 'add',
      icon: 'plus',
      name: words.add,
      run: () => {
        overlay.value = 'add-device';
      },
    });
  }
  items.push({ id: 'copy', icon: 'link', name: words.copyLink, run: async () => void (await copyText(location.href)) });
  for (const one of ['light', 'dark', 'system'] as const) {
    if (theme.value === one) continue;
    items.push({
      id: one,
      icon: THEME_ICON[one],
      name: words.theme(text.nav.theme[one]),
      run: () => {
        theme.value = one;
      },
    });
  }
  items.push(
    { id: 'zone', icon: 'clock', name: isUtc.value ? words.localTime : words.utc, run: changeZone },
    { id: 'wall', icon: 'wall', name: words.wall, run: () => location.assign('/?kiosk') },
    {
      id: 'keys',
      icon: 'keyboard',
      name: words.keys,
      ...(letterKeys.value === 'on' ? { keys: '?' } : {}),
      run: () => {
        overlay.value = 'keys';
      },
    },
    { id: 'out', icon: 'out', name: text.nav.signOut, run: signOut },
  );
  return items;
}

export function bestFirst(items: readonly PaletteItem[], typed: string): PaletteItem[] {
  if (typed.trim() === '') return [...items];
  return items
    .flatMap((item) => {
      const score = fuzzyScore(typed, item.name);
      return score === null ? [] : [{ item, score }];
    })
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}
