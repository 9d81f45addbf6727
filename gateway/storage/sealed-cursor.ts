// Sealed readings of one series, one after the other, from a time on. A chunk is decoded when its turn comes and not before.

import type { ChunkEntry } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';

export interface SealedCursor {
  readonly series: number;
  /** No reading that is left is older; Infinity after the last one. */
  readonly nextUs: number;
  /** The chunk whose turn it is, and the place in it; null when none is left. Its time can be later than `nextUs` said before. */
  current(): { readonly readings: ChunkReadings; readonly at: number } | null;
  /** Up to before that place is done. */
  advance(to: number): void;
}

export interface SealedCursorOptions {
  readonly series: number;
  /** By time; all of them end at `fromUs` or later. */
  readonly entries: readonly ChunkEntry[];
  readonly fromUs: number;
  /** Null: damaged, and left out. */
  readings(entry: ChunkEntry): ChunkReadings | null;
}

export function createSealedCursor({ series, entries, fromUs, readings }: SealedCursorOptions): SealedCursor {
  let e = 0;
  let chunk: ChunkReadings | null = null;
  let at = 0;

  return {
    series,
    get nextUs() {
      if (chunk !== null && at < chunk.count) return chunk.timeUs[at] as number;
      const entry = entries[chunk === null ? e : e + 1];
      return entry === undefined ? Number.POSITIVE_INFINITY : Math.max(entry.startUs, fromUs);
    },
    current() {
      while (chunk === null || at >= chunk.count) {
        if (chunk !== null) e++;
        chunk = null;
        for (; chunk === null && e < entries.length; e += chunk === null ? 1 : 0) chunk = readings(entries[e] as ChunkEntry);
        if (chunk === null) return null;
        at = firstAt(chunk, fromUs);
      }
      return { readings: chunk, at };
    },
    advance(to) {
      at = to;
    },
  };
}

/** The place of the first reading that is not older than `timeUs`; the count when there is none. */
export function firstAt({ timeUs: times, count }: ChunkReadings, timeUs: number): number {
  // most chunks lie on one side of it
  if (count === 0 || (times[0] as number) >= timeUs) return 0;
  if ((times[count - 1] as number) < timeUs) return count;
  // most devices have a steady pace
  const first = times[0] as number;
  const guess = Math.ceil(((timeUs - first) / ((times[count - 1] as number) - first)) * (count - 1));
  if ((times[guess - 1] as number) < timeUs && (times[guess] as number) >= timeUs) return guess;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}
