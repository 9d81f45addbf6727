// Light, dark or as the system says; kept in this browser and set as an attribute that the tokens' light-dark() follows.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];
const KEY = 'fieldgate.theme';

function stored(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return ORDER.find((theme) => theme === found) ?? 'system';
  } catch {
    return 'system'; // storage is switched off
  }
}

export const theme = signal<Theme>(stored());
export const nextTheme = (now: Theme): Theme => ORDER[(ORDER.indexOf(now) + 1) % ORDER.length] ?? 'system';
/** Counts changes of what is drawn, for canvases that must read the colours again. */
export const paletteVersion = signal(0);

export function startTheme(): void {
  effect(() => {
    const root = document.documentElement;
    if (theme.value === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme.value;
    try {
      localStorage.setItem(KEY, theme.value);
    } catch {
      // the choice then lasts as long as the page
    }
    paletteVersion.value = paletteVersion.peek() + 1;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    paletteVersion.value++;
  });
}
