// The second level of sums: all that a row of the index tells of, added up. A chart over years takes a row that lies in one of its buckets
// by these, and never unpacks it. Bytes as docs/chunk-format.md says.

import { addPart, cellOf, isSummed } from './bucket-cell.ts';
import { createByteWriter } from './chunk-bytes.ts';
import type { ChunkEntry } from './chunk-entries.ts';
import type { ChunkKind, ChunkSummary } from './chunk-format.ts';
import { closePacked, NUMBERS, openPacked, readNumber, writeNumber } from './packed-numbers.ts';

export interface RowSums extends ChunkSummary {
  readonly kind: ChunkKind;
}

const VERSION = 1;
/** Fewer entries are unpacked as fast, and their row stays as small as it was. */
const LEAST_ENTRIES = 8;
/** Of a row that has no sums: few entries, texts, or chunks of several kinds. */
const NONE = new Uint8Array(0);

/** Of a row's entries, at least one. */
export function packSums(entries: readonly ChunkEntry[]): Uint8Array {
  const [head, ...others] = entries as [ChunkEntry, ...ChunkEntry[]];
  const { kind } = head;
  if (entries.length < LEAST_ENTRIES || !isSummed(kind) || others.some((entry) => entry.kind !== kind)) return NONE;
  const cell = cellOf(kind, head);
  for (const entry of others) addPart(cell, kind, entry);
  const to = createByteWriter();
  to.byte(VERSION);
  to.byte(kind);
  to.varint(cell.count);
  for (const name of NUMBERS) writeNumber(to, Number(cell[name]));
  return closePacked(to);
}

/** Null: the row has none, or they are damaged, and its entries tell it all the same. */
export function unpackSums(packed: Uint8Array, startUs: number, endUs: number): RowSums | null {
  if (packed.length === 0) return null;
  try {
    const from = openPacked(packed, 'the sums of a row of the chunk index');
    if (from.byte() !== VERSION) return null;
    const kind = from.byte() as ChunkKind;
    const count = from.varint();
    const [min, max, sum, lost, first, last] = NUMBERS.map(() => readNumber(from)) as [number, number, number, number, number, number];
    return from.left === 0 ? { kind, count, startUs, endUs, min, max, sum, lost, first, last } : null;
  } catch {
    return null;
  }
}
