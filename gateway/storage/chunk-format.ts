// What the files of the chunk codec agree on: the shape of a chunk's readings, its bounds, and the numbers written in its bytes.
// docs/chunk-format.md describes the bytes.

import type { Value } from '../protocol/messages.ts';
import type { KIND } from './store.ts';

export const CHUNK_VERSION = 1;
export const MAX_CHUNK_READINGS = 65_536;
/** Of the different texts in a chunk, as UTF-8. */
export const MAX_CHUNK_TEXT_BYTES = 64 * 1024 * 1024;

/** Beside the kinds of readings: values of several kinds, in the order of their times. */
export const MIXED = 3;

/** Readings of one series, by time; equal times in commit order. Arrays may be longer than `count` says. A boolean is 0 or 1, unless mixed. */
export type ChunkReadings =
  | {
      readonly kind: typeof KIND.number | typeof KIND.boolean;
      readonly count: number;
      readonly timeUs: Float64Array;
      readonly value: Float64Array;
    }
  | { readonly kind: typeof KIND.string; readonly count: number; readonly timeUs: Float64Array; readonly value: readonly string[] }
  | { readonly kind: typeof MIXED; readonly count: number; readonly timeUs: Float64Array; readonly value: readonly Value[] };
export type ChunkKind = ChunkReadings['kind'];

/** Of numbers, and of booleans as 0 and 1; strings and mixed readings have 0 in what follows the times. */
export interface ChunkSummary {
  readonly count: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly min: number;
  readonly max: number;
  /** Added up in doubles one after the other; what rounding took from it is `lost` (Neumaier), so the mean is (sum + lost) / count. */
  readonly sum: number;
  readonly lost: number;
  readonly first: number;
  readonly last: number;
}

export type DecodedChunk =
  | { readonly outcome: 'readings'; readonly readings: ChunkReadings }
  /** `what` is a sentence without its full stop. */
  | { readonly outcome: 'damaged'; readonly what: string };

/** A column whose header has been read; its planes come later. */
export interface ReadColumn<T = Float64Array> {
  /** How much of the planes is this column's. */
  readonly bytes: number;
  decode(planes: Uint8Array): T;
}

/** How a column of whole numbers is foretold; what is stored is how far off that was. */
export const MODEL = { constant: 0, delta: 1, deltaOfDelta: 2, line: 3 } as const;

/** The first byte of a column: an exponent of ten up to 15, the same plus `corrected`, or one of the others. */
export const FORM = { corrected: 16, doubles: 32, differences: 33, bits: 34 } as const;
export const MAX_EXPONENT = 15;

/** Bytes that are no chunk, or not the chunk that was written. Never leaves the codec. */
export class ChunkDamage extends Error {}

export function damage(what: string): never {
  throw new ChunkDamage(what);
}
