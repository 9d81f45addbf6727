// One of a few words that this browser remembers: a signal that survives the page, where storage is given.
import { effect, signal } from '@preact/signals';
import type { Signal } from '@preact/signals';

export function storedChoice<T extends string>(key: string, choices: readonly [T, ...T[]]): Signal<T> {
  const choice = signal<T>(choices[0]);
  try {
    const found = localStorage.getItem(key);
    choice.value = choices.find((one) => one === found) ?? choices[0];
  } catch {
    // storage is switched off: the choice then lasts as long as the page
  }
  effect(() => {
    try {
      localStorage.setItem(key, choice.value);
    } catch {
      // see above
    }
  });
  return choice;
}
