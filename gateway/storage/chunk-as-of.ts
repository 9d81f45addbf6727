// A chunk as it was at a position: what was sealed into it since is taken out again, as long as the log tells which readings those are.

import type { ChunkEntry } from './chunk-entries.ts';
import type { ChunkReadings } from './chunk-format.ts';
import type { ChunkSource } from './chunk-source.ts';
import { firstAt } from './sealed-cursor.ts';

/** How many readings at each time came after the position. */
export type LaterReadings = ReadonlyMap<number, number>;

/** `entries` are the series', by time, that one among them. Null: the chunk is damaged. */
export function readingsAsOf(
  source: ChunkSource,
  entries: readonly ChunkEntry[],
  entry: ChunkEntry,
  upTo: number,
  later: LaterReadings | undefined,
): ChunkReadings | null {
  const whole = source.readings(entry);
  if (whole === null || entry.position <= upTo) return whole;
  return without(whole, later, () => sameTimeBehind(source, entries, entry));
}

/** Readings of the time at which a chunk ends that lie in the ones after it: they were committed after its own. */
function sameTimeBehind(source: ChunkSource, entries: readonly ChunkEntry[], { id, endUs }: ChunkEntry): number {
  let count = 0;
  for (let e = entries.findIndex((entry) => entry.id === id) + 1; entries[e]?.startUs === endUs; e++) {
    const readings = source.readings(entries[e] as ChunkEntry);
    if (readings !== null) count += firstAt(readings, endUs + 1);
  }
  return count;
}

function without(readings: ChunkReadings, later: LaterReadings | undefined, behind: () => number): ChunkReadings {
  if (later === undefined) return readings;
  const left = new Map(later);
  const endUs = readings.timeUs[readings.count - 1] as number;
  const atEnd = left.get(endUs) ?? 0;
  if (atEnd > 0) left.set(endUs, atEnd - behind());
  const kept: number[] = [];
  // the newest of equal times are last
  for (let i = readings.count - 1; i >= 0; i--) {
    const timeUs = readings.timeUs[i] as number;
    const n = left.get(timeUs) ?? 0;
    if (n > 0) left.set(timeUs, n - 1);
    else kept.push(i);
  }
  kept.reverse();
  const timeUs = Float64Array.from(kept, (i) => readings.timeUs[i] as number);
  const value = kept.map((i) => readings.value[i]);
  return { kind: readings.kind, count: kept.length, timeUs, value } as unknown as ChunkReadings;
}
