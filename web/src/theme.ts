// Light, dark or as the system says; kept in this browser and set as an attribute that the tokens' light-dark() follows.
import { effect, signal } from '@preact/signals';
import { storedChoice } from './stored-choice.ts';

export type Theme = 'system' | 'light' | 'dark';
const ORDER = ['system', 'light', 'dark'] as const satisfies readonly Theme[];

export const theme = storedChoice<Theme>('fieldgate.theme', [...ORDER]);
export const nextTheme = (now: Theme): Theme => ORDER[(ORDER.indexOf(now) + 1) % ORDER.length] ?? 'system';
/** Counts changes of what is drawn, for canvases that must read the colours again. */
export const paletteVersion = signal(0);

export function startTheme(): void {
  effect(() => {
    const root = document.documentElement;
    if (theme.value === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme.value;
    paletteVersion.value = paletteVersion.peek() + 1;
  });
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
    matchMedia(query).addEventListener('change', () => {
      paletteVersion.value++;
    });
  }
}
