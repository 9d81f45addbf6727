// What retention lets go of a row of the index: chunks whose readings go, of which the sums stay, and sums that go themselves. Pure.

import { type ChunkEntry, goneEntry, isGone } from './chunk-entries.ts';
import { KIND } from './store.ts';

/** Of one series. What is not bounded is -Infinity. */
export interface ExpiryLimits {
  /** Readings go when the newest of their chunk, and the arrival of all of it, are before this. */
  readonly rawBeforeUs: number;
  /** For room they go when the newest of their chunk is no later than this, whenever they arrived. */
  readonly roomUpToUs: number;
  /** Sums whose last reading was before this go, too. */
  readonly sumsBeforeUs: number;
}
export interface ExpiredRow {
  /** What is left; empty: the row goes. */
  readonly entries: readonly ChunkEntry[];
  readonly dropChunks: readonly number[];
  readonly readings: number;
  readonly bytes: number;
}

/** Null: all of it stays. */
export function expireRow(entries: readonly ChunkEntry[], limits: ExpiryLimits): ExpiredRow | null {
  const left: ChunkEntry[] = [];
  const dropChunks: number[] = [];
  let readings = 0;
  let bytes = 0;
  for (const entry of entries) {
    const hasSums = isSummed(entry) && entry.endUs >= limits.sumsBeforeUs;
    if (isGone(entry)) {
      if (hasSums) left.push(entry);
    } else if (isDue(entry, limits)) {
      dropChunks.push(entry.id);
      readings += entry.count;
      bytes += entry.bytes;
      if (hasSums) left.push(goneEntry(entry));
    } else left.push(entry);
  }
  return dropChunks.length === 0 && left.length === entries.length ? null : { entries: left, dropChunks, readings, bytes };
}

function isDue({ endUs, sealedUs }: ChunkEntry, { rawBeforeUs, roomUpToUs }: ExpiryLimits): boolean {
  return (endUs < rawBeforeUs && sealedUs < rawBeforeUs) || endUs <= roomUpToUs;
}

/** Texts have no sums, and nothing to show without their readings. */
function isSummed({ kind }: ChunkEntry): boolean {
  return kind === KIND.number || kind === KIND.boolean;
}

/** The time up to which the oldest chunks must go for the others to fit; -Infinity when all of them do. */
export function roomUpTo(chunks: readonly (readonly [endUs: number, bytes: number])[], maxBytes: number): number {
  let over = chunks.reduce((sum, [, bytes]) => sum + bytes, 0) - maxBytes;
  if (over <= 0) return Number.NEGATIVE_INFINITY;
  let upToUs = Number.NEGATIVE_INFINITY;
  for (const [endUs, bytes] of chunks.toSorted(([a], [b]) => a - b)) {
    if (over <= 0) break;
    upToUs = endUs;
    over -= bytes;
  }
  return upToUs;
}
