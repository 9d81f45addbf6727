// Notices when the wall clock was set: it is compared with one that only counts on. Slow corrections pass, steps are told.

import type { AlarmSource } from './alarms.ts';

/** Below it a correction of NTP; those go by at most half a millisecond a second otherwise. */
const STEP_MS = 2000;
const HELD_MS = 3_600_000;

export interface ClockWatchOptions {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

/** Over after an hour, or once the clock is back where it was. */
export function createClockWatch({ wallMs, steadyMs }: ClockWatchOptions): AlarmSource {
  let offsetMs = wallMs() - steadyMs();
  let shiftedMs = 0;
  let atMs = 0;
  return function* () {
    const now = steadyMs();
    const offset = wallMs() - now;
    const step = offset - offsetMs;
    offsetMs = offset;
    if (Math.abs(step) >= STEP_MS) {
      shiftedMs += step;
      atMs = now;
    }
    if (now - atMs >= HELD_MS) shiftedMs = 0;
    if (Math.abs(shiftedMs) < STEP_MS) return;
    const message =
      `The clock of this machine was set ${shiftedMs > 0 ? 'forward' : 'back'} by ${spanWords(Math.abs(shiftedMs))}. Readings keep the ` +
      'times they came with; those without one get the new time. If nobody corrected it, look at its time service (timedatectl).';
    yield { name: 'clock-jumped', severity: 'warning', message };
  };
}

function spanWords(ms: number): string {
  const seconds = ms / 1000;
  const [size, unit] =
    seconds < 120
      ? [seconds, 's']
      : seconds < 7200
        ? [seconds / 60, 'min']
        : seconds < 172_800
          ? [seconds / 3600, 'h']
          : [seconds / 86_400, 'days'];
  return `${Math.round(size as number)} ${unit}`;
}
