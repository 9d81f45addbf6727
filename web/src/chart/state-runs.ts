// Booleans and texts as the spans of time in which they held. Times in ms.
import type { Value } from '../../../gateway/protocol/messages.ts';
import type { SeriesWindow } from './series-window.ts';

export interface StateRun {
  readonly fromMs: number;
  toMs: number;
  readonly value: Value;
}

/** Neighbours with the same value as one run; the last goes on until now. */
export function stateRuns({ times, lasts, after }: SeriesWindow, fromMs: number, toMs: number, nowMs: number): StateRun[] {
  const found: StateRun[] = [];
  const end = after(toMs);
  for (let i = Math.max(after(fromMs) - 1, 0); i < end; i++) {
    const timeMs = times[i] ?? 0;
    const value = lasts[i] ?? '';
    const open = found.at(-1);
    if (open !== undefined) {
      open.toMs = timeMs;
      if (open.value === value) continue;
    }
    found.push({ fromMs: timeMs, toMs: timeMs, value });
  }
  const open = found.at(-1);
  if (open !== undefined) open.toMs = Math.max(open.toMs, times[end] ?? nowMs);
  return found;
}
