// The keys of the whole console: Ctrl-K the palette, `?` the list of keys, `/` the search, `g` and a letter a page. Nothing is taken
// from who types, and single letters can be switched off.
import { overlay } from './overlay.ts';
import { openPlaces } from './places.ts';
import { storedChoice } from './stored-choice.ts';

/** Some people speak to their computer, or rest a hand on the keyboard: letters alone must not do anything then. */
export const letterKeys = storedChoice('fieldgate.keys', ['on', 'off']);

/** How long `g` waits for its letter. */
const SECOND_KEY_MS = 1500;

function isTyping(at: EventTarget | null): boolean {
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
}

/** On a Mac the command key, elsewhere Ctrl. */
export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

export function startKeys(go: (href: string) => void, focusSearch: () => void): () => void {
  let wentAtMs = Number.NEGATIVE_INFINITY;

  function take(event: KeyboardEvent): boolean {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      if (overlay.value !== 'palette' && document.querySelector('dialog[open]') !== null) return false;
      overlay.value = overlay.value === 'palette' ? null : 'palette';
      return true;
    }
    const isLetter = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
    if (!isLetter || letterKeys.value === 'off' || isTyping(event.target) || document.querySelector('dialog[open]') !== null) return false;
    const isSecond = performance.now() - wentAtMs < SECOND_KEY_MS;
    wentAtMs = Number.NEGATIVE_INFINITY;
    if (isSecond) {
      const place = openPlaces().find(({ key }) => key === event.key);
      if (place !== undefined) go(place.href);
      return place !== undefined;
    }
    if (event.key === 'g') {
      wentAtMs = performance.now();
      return true;
    }
    if (event.key === '?') overlay.value = 'keys';
    else if (event.key === '/') focusSearch();
    else return false;
    return true;
  }
  const listen = (event: KeyboardEvent): void => {
    if (!event.defaultPrevented && !event.repeat && take(event)) event.preventDefault();
  };
  addEventListener('keydown', listen);
  return () => removeEventListener('keydown', listen);
}
