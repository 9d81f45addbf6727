// How readings are cut into chunks: about a thousand each, of which a page of the file holds several; what hardly compresses is cut so
// that a page is filled.

import { encodeChunk } from './chunk-codec.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { partOf } from './chunk-merge.ts';

export interface Piece {
  readonly part: ChunkReadings;
  readonly content: Uint8Array;
}

/** Readings in a chunk, about: more save little, and take longer where a border of a chart cuts one. */
const WANTED = 1024;
/** What a page of 8 KiB has for rows, and what a row takes beside its content, with what a small chunk has more than its share. */
const PAGE_ROOM = 8168;
const ROW_BYTES = 40;
/** Of smaller ones so many fit in a page that what is left over is little. */
const FITTED_BYTES = 2700;
/** Contents of like readings differ by less. */
const MARGIN = 1.005;
/** Of a remainder so many are put in a page, at most. */
const MOST_ROWS = 6;
const NEARLY = 0.85;

export function cut(readings: ChunkReadings): Piece[] {
  const parts = partsOf(readings, wantedParts(readings.count));
  const first = encoded(parts[0] as ChunkReadings);
  if (first.content.length <= FITTED_BYTES) return [first, ...parts.slice(1).map(encoded)];
  const perReading = (first.content.length / first.part.count) * MARGIN;
  const pieces: Piece[] = [];
  for (let from = 0, left = readings.count; left > 0; ) {
    const count = fittingCount(left, perReading);
    pieces.push(encoded(partOf(readings, from, from + count)));
    from += count;
    left -= count;
  }
  return pieces;
}

/** As many as fill a page, or a part of one that others of the like can fill with it. */
function fittingCount(left: number, perReading: number): number {
  const rowsOfWanted = Math.max(1, Math.round(PAGE_ROOM / (WANTED * perReading)));
  for (let rows = rowsOfWanted; rows <= MOST_ROWS; rows++) {
    const count = Math.floor((PAGE_ROOM / rows - ROW_BYTES) / perReading);
    if (count <= left) return Math.max(1, count);
    // nearly as much: a chunk more would cost more than the rest of that part of the page
    if (left > count * NEARLY) return left;
  }
  return left;
}

/** Chunks beside each other of which there are more than there need to be. */
export function isPoorlyCut(chunks: readonly { readonly count: number; readonly bytes: number }[]): boolean {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  if ((bytes / count) * WANTED <= FITTED_BYTES) return chunks.length > wantedParts(count);
  let fitting = 0;
  for (let left = count; left > 0; fitting++) left -= fittingCount(left, (bytes / count) * MARGIN);
  return chunks.length > fitting;
}

/** Worth no rewriting for a few more. */
export function isFull({ count, bytes }: { readonly count: number; readonly bytes: number }): boolean {
  return count >= WANTED * 0.75 || bytes >= PAGE_ROOM / 2 - 2 * ROW_BYTES - PAGE_ROOM * (MARGIN - 1);
}

const wantedParts = (count: number): number => Math.max(1, Math.round(count / WANTED));
const encoded = (part: ChunkReadings): Piece => ({ part, content: encodeChunk(part) });

function partsOf(readings: ChunkReadings, parts: number): ChunkReadings[] {
  return Array.from({ length: parts }, (_, p) =>
    partOf(readings, Math.floor((p * readings.count) / parts), Math.floor(((p + 1) * readings.count) / parts)),
  );
}
