// What the index knows of each chunk: where it lies in time, and the sums by which a chart over years is drawn without decoding it. The
// entries of one index row are packed as docs/chunk-format.md says.

import { createByteWriter } from './chunk-bytes.ts';
import type { ChunkKind, ChunkSummary } from './chunk-format.ts';
import { closePacked, NUMBERS, openPacked, readNumber, writeNumber } from './packed-numbers.ts';

export interface ChunkEntry extends ChunkSummary {
  /** Of the chunk that holds the readings. */
  readonly id: number;
  readonly kind: ChunkKind;
  /** Of its content. */
  readonly bytes: number;
  /** The highest position among its readings. */
  readonly position: number;
  /** When it was sealed, so no reading of it arrived later. */
  readonly sealedUs: number;
}

/** The id of none: the readings are gone, and what is left of them are their sums. */
const GONE = 0;
/** Of an entry that was read from an index: a chunk to come has no id yet either. */
export const isGone = ({ id }: ChunkEntry): boolean => id === GONE;
export const goneEntry = (entry: ChunkEntry): ChunkEntry => ({ ...entry, id: GONE, bytes: 0 });
/** Readings that are still there. */
export const readingsOf = (entries: readonly ChunkEntry[]): number =>
  entries.reduce((sum, entry) => sum + (isGone(entry) ? 0 : entry.count), 0);

/** Entries of an index row, at most: all of them are rewritten when one changes. */
export const ROW_ENTRIES = 64;
const VERSION = 1;

export function packEntries(entries: readonly ChunkEntry[]): Uint8Array {
  const to = createByteWriter();
  to.byte(VERSION);
  to.varint(entries.length);
  let timeUs = 0;
  let sealedUs = 0;
  for (const entry of entries) {
    to.varint(entry.id);
    to.byte(entry.kind);
    to.varint(entry.bytes);
    to.varint(entry.count);
    to.signed(entry.startUs - timeUs);
    to.varint(entry.endUs - entry.startUs);
    timeUs = entry.endUs;
    to.varint(entry.position);
    to.signed(entry.sealedUs - sealedUs);
    sealedUs = entry.sealedUs;
    for (const name of NUMBERS) writeNumber(to, entry[name]);
  }
  return closePacked(to);
}

/** Throws when they are not what was packed. */
export function unpackEntries(whole: Uint8Array): ChunkEntry[] {
  const columns = unpackColumns(whole);
  return Array.from({ length: columns.length / FIELDS }, (_, e) => entryAt(columns, e));
}

/** Entries as numbers in a row, `FIELDS` of each: a chart over years goes through thousands of them, and an object for each would cost more than all else. */
export type EntryColumns = Float64Array;
/** Places of an entry's fields. */
export const FIELD = {
  id: 0,
  kind: 1,
  bytes: 2,
  count: 3,
  startUs: 4,
  endUs: 5,
  position: 6,
  sealedUs: 7,
  min: 8,
  max: 9,
  sum: 10,
  lost: 11,
  first: 12,
  last: 13,
} as const;
export const FIELDS = 14;

export function entryAt(columns: EntryColumns, e: number): ChunkEntry {
  const at = (field: number): number => columns[e * FIELDS + field] as number;
  return {
    id: at(FIELD.id),
    kind: at(FIELD.kind) as ChunkKind,
    bytes: at(FIELD.bytes),
    count: at(FIELD.count),
    startUs: at(FIELD.startUs),
    endUs: at(FIELD.endUs),
    position: at(FIELD.position),
    sealedUs: at(FIELD.sealedUs),
    min: at(FIELD.min),
    max: at(FIELD.max),
    sum: at(FIELD.sum),
    lost: at(FIELD.lost),
    first: at(FIELD.first),
    last: at(FIELD.last),
  };
}

/** Throws when they are not what was packed. */
export function unpackColumns(whole: Uint8Array): EntryColumns {
  const from = openPacked(whole, 'a row of the chunk index');
  if (from.byte() !== VERSION) throw new Error('a row of the chunk index is of a newer version');
  const entries = from.varint();
  if (entries > whole.length) throw new Error('a row of the chunk index is damaged');
  const columns = new Float64Array(entries * FIELDS);
  let timeUs = 0;
  let sealedUs = 0;
  for (let at = 0; at < columns.length; at += FIELDS) {
    columns[at + FIELD.id] = from.varint();
    columns[at + FIELD.kind] = from.byte();
    columns[at + FIELD.bytes] = from.varint();
    columns[at + FIELD.count] = from.varint();
    const startUs = timeUs + from.signed();
    timeUs = startUs + from.varint();
    columns[at + FIELD.startUs] = startUs;
    columns[at + FIELD.endUs] = timeUs;
    columns[at + FIELD.position] = from.varint();
    sealedUs += from.signed();
    columns[at + FIELD.sealedUs] = sealedUs;
    for (let field: number = FIELD.min; field <= FIELD.last; field++) columns[at + field] = readNumber(from);
  }
  if (from.left !== 0) throw new Error('a row of the chunk index is damaged');
  return columns;
}
