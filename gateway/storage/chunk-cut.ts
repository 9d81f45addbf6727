// How readings are cut into chunks: about a thousand each, of which a page of the file holds several; what hardly compresses is cut so
// that a page is filled.

import { encodeChunk } from './chunk-codec.ts';
import type { ChunkReadings } from './chunk-format.ts';
import { partOf } from './chunk-merge.ts';

export interface Piece {
  readonly part: ChunkReadings;
  readonly content: Uint8Array;
  /** Its place in a page was chosen: it is written in the order in which it was cut. */
  readonly isFitted?: boolean;
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

/** For chunks that are written one after the other: how they lie in the pages of the file is known, and no page but the last is left half full. */
export interface PageFill {
  cut(readings: ChunkReadings): Piece[];
}

/** Of a page: what its header leaves, what a row of it takes beside its payload, and what a row's payload has beside the content. */
const LEAF_BYTES = 8184;
const CELL_BYTES = 13;
const RECORD_BYTES = 5;
/** A larger payload goes on in pages of its own, which it fills; what is left over stays with the row. Both by SQLite's format of files. */
const MOST_LOCAL = 8157;
const LEAST_LOCAL = 1003;
const OVERFLOW_BYTES = 8188;
/** So that a border of a chart decodes no more than about twice as much. */
const MOST_BYTES = OVERFLOW_BYTES + MOST_LOCAL - RECORD_BYTES;
/** Readings for which a chunk of their own is not worth it. */
const LEAST_READINGS = 80;

/** What a row with that content takes of a page that holds several. */
function localBytes(contentBytes: number): number {
  const payload = contentBytes + RECORD_BYTES;
  if (payload <= MOST_LOCAL) return payload + CELL_BYTES;
  const local = LEAST_LOCAL + ((payload - LEAST_LOCAL) % OVERFLOW_BYTES);
  return (local <= MOST_LOCAL ? local : LEAST_LOCAL) + CELL_BYTES;
}

/** Of pages of its own, if it has some, none stays half empty. */
function fills(contentBytes: number): boolean {
  const payload = contentBytes + RECORD_BYTES;
  return payload <= MOST_LOCAL || localBytes(contentBytes) > LEAST_LOCAL + CELL_BYTES || (payload - LEAST_LOCAL) % OVERFLOW_BYTES === 0;
}

export function createPageFill(): PageFill {
  let room = LEAF_BYTES;
  const put = (piece: Piece): Piece => {
    const bytes = localBytes(piece.content.length);
    room = bytes <= room ? room - bytes : LEAF_BYTES - bytes;
    return { ...piece, isFitted: true };
  };
  /** Bytes of the next chunk that leave nothing of the page and enough for the one after it; null when there are none. */
  function filling(whole: number, perReading: number): number | null {
    const local = room - CELL_BYTES - RECORD_BYTES;
    const least = LEAST_READINGS * perReading;
    if (local < LEAST_LOCAL) return null;
    return [local + OVERFLOW_BYTES, local].find((bytes) => bytes <= MOST_BYTES && bytes >= least && whole - bytes >= least) ?? null;
  }
  function fitted(readings: ChunkReadings, from: number, perReading: number): Piece {
    const left = readings.count - from;
    const whole = left * perReading;
    const canBeWhole = whole <= MOST_BYTES && fills(whole) && localBytes(whole) <= room;
    let wanted = canBeWhole ? whole : filling(whole, perReading);
    if (wanted === null) {
      room = LEAF_BYTES;
      wanted = whole <= MOST_BYTES ? whole : (filling(whole, perReading) ?? whole / 2);
    }
    let count = Math.min(left, Math.ceil(wanted / perReading));
    let piece = encoded(partOf(readings, from, from + count));
    // what was guessed from others is known better now
    for (let turn = 0; turn < 3 && count < left; turn++) {
      const over = piece.content.length - wanted;
      if (over <= 0 && over > -2 * perReading) break;
      const next = Math.min(left - 1, count - Math.ceil((over / piece.content.length) * count) - (turn > 0 ? 1 : 0));
      if (next < 1 || next === count) break;
      count = next;
      piece = encoded(partOf(readings, from, from + count));
    }
    return put(piece);
  }
  return {
    cut(readings) {
      const tried = encoded(partOf(readings, 0, Math.min(readings.count, WANTED)));
      const { length } = tried.content;
      if ((length / tried.part.count) * WANTED <= FITTED_BYTES) return cut(readings);
      const pieces: Piece[] = [];
      for (let from = 0; from < readings.count; from += (pieces.at(-1) as Piece).part.count)
        pieces.push(fitted(readings, from, length / tried.part.count));
      return pieces;
    },
  };
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

/** Of chunks that differ by more, fewer fit in a page than of even ones. */
const UNEVEN = 0.04;

/** Chunks beside each other of which there are more than there need to be, or large ones and small ones. */
export function isPoorlyCut(chunks: readonly { readonly count: number; readonly bytes: number }[]): boolean {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  if ((bytes / count) * WANTED <= FITTED_BYTES)
    return chunks.length > wantedParts(count) || chunks.some((one) => Math.abs(one.count - count / chunks.length) > UNEVEN * one.count);
  // the first and the last fill what others leave of a page
  return chunks.length > Math.ceil(bytes / MOST_BYTES) + 1;
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
