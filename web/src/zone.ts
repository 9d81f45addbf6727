// In which zone times are written: the browser's, or UTC on demand. Every formatter of times reads it, so a change redraws all of them.
import { computed } from '@preact/signals';
import { storedChoice } from './stored-choice.ts';

export const zoneChoice = storedChoice('fieldgate.zone', ['local', 'utc']);
export const isUtc = computed(() => zoneChoice.value === 'utc');

/** For Intl: undefined is the browser's own. */
export const timeZone = (): 'UTC' | undefined => (isUtc.value ? 'UTC' : undefined);

export function changeZone(): void {
  zoneChoice.value = isUtc.value ? 'local' : 'utc';
}

/** `UTC+1`, `UTC−3:30`. */
export function zoneName(): string {
  const minutes = isUtc.value ? 0 : -new Date().getTimezoneOffset();
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const size = `${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '−' : '+'}${size}`;
}
