// Changes of some series as one transaction of the writer: chunks in the order of their size, so that those of a size, of which a whole
// number fills a page, come one after the other, behind those whose place was chosen; then numbered, and the rows of the index packed.

import { packEntries, readingsOf } from './chunk-entries.ts';
import { packSums } from './row-sums.ts';
import type { IndexKey, SeriesChange } from './seal-series.ts';

/** Series that are sealed up to `upTo` with it; the last one of a round moves the mark. */
export interface SealSlice {
  readonly dropChunks: readonly number[];
  readonly addChunks: readonly { readonly id: number; readonly content: Uint8Array }[];
  readonly dropRows: readonly (IndexKey & { readonly series: number })[];
  readonly addRows: readonly PackedRow[];
  readonly series: readonly number[];
  readonly upTo: number;
  readonly isLast: boolean;
  /** Readings that go with it, in slices of retention. */
  readonly expired?: readonly ExpiredReadings[];
  /** Sums of rows that an earlier version wrote without. */
  readonly addSums?: readonly RowSumsOf[];
  /** With `addSums`: no row is left without. */
  readonly isSummed?: boolean;
  /** The highest number given to a chunk or an edition. */
  readonly lastId: number;
}
export interface ExpiredReadings {
  readonly series: number;
  readonly readings: number;
  /** The first time that is left, Infinity when none is; null: more of the series goes in a later slice, which tells it. */
  readonly firstUs: number | null;
}
/** The row is as it was when they were added up if its edition is. */
export interface RowSumsOf extends IndexKey {
  readonly series: number;
  readonly edition: number;
  readonly sums: Uint8Array;
}
/** As the table has it. */
export interface PackedRow extends IndexKey {
  readonly series: number;
  readonly endUs: number;
  readonly readings: number;
  readonly edition: number;
  readonly sums: Uint8Array;
  readonly entries: Uint8Array;
}

export interface SliceBuilder {
  add(change: SeriesChange): void;
  /** Of the contents so far. */
  readonly bytes: number;
  readonly isEmpty: boolean;
  /** `lastId`: the highest number that was given before. */
  finish(lastId: number, end: Pick<SealSlice, 'series' | 'upTo' | 'isLast'>): SealSlice;
}

export function createSliceBuilder(): SliceBuilder {
  const whole: SeriesChange = { dropChunks: [], addChunks: [], dropRows: [], addRows: [] };
  let bytes = 0;
  return {
    add({ dropChunks, addChunks, dropRows, addRows }) {
      for (const { content } of addChunks) bytes += content.length;
      whole.dropChunks.push(...dropChunks);
      whole.addChunks.push(...addChunks);
      whole.dropRows.push(...dropRows);
      whole.addRows.push(...addRows);
    },
    get bytes() {
      return bytes;
    },
    get isEmpty() {
      return whole.dropRows.length === 0 && whole.addRows.length === 0;
    },
    finish(lastId, end) {
      let id = lastId;
      const others = whole.addChunks.filter(({ isFitted }) => isFitted !== true).sort((a, b) => b.content.length - a.content.length);
      const chunks = [...whole.addChunks.filter(({ isFitted }) => isFitted === true), ...others];
      for (const { entry } of chunks) entry.id = ++id;
      const addChunks = chunks.map(({ entry, content }) => ({ id: entry.id, content }));
      const addRows = whole.addRows.map(({ series, startUs, number, entries }) => ({
        series,
        startUs,
        number,
        // late readings stand behind the sums of what is gone, and may end before those
        endUs: entries.reduce((end, { endUs }) => Math.max(end, endUs), Number.NEGATIVE_INFINITY),
        readings: readingsOf(entries),
        edition: ++id,
        sums: packSums(entries),
        entries: packEntries(entries),
      }));
      return { dropChunks: whole.dropChunks, addChunks, dropRows: whole.dropRows, addRows, ...end, lastId: id };
    },
  };
}
