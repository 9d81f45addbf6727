// The readings' seat: everything a device sent and what became of it. SQLite sits here; PostgreSQL can, by these five methods.
// Times are integer microseconds since the epoch in a double (exact below 2^53). A position is a reading's place in commit order,
// counted from 1 and never reused.

import type { Value } from '../protocol/messages.ts';

export const KIND = { number: 0, boolean: 1, string: 2 } as const;

/** A series is (device, metric, unit); ids are dense, from 1, given by the one ingest that owns the store. `unit` is '' when none. */
export interface SeriesRow {
  readonly id: number;
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
}

/** A device's numbered run of frames; names that begin with ~ are the gateway's own (bare packs, HTTP, serial, imports). */
export interface StreamRow {
  readonly id: number;
  readonly device: string;
  readonly stream: string;
  readonly createdAtUs: number;
}

export interface QuarantineRow {
  readonly device: string;
  readonly stream: number;
  readonly seq: number;
  /** Index of the record in its frame; -1 when the whole frame was refused. */
  readonly index: number;
  readonly code: string;
  readonly message: string;
  /** As it was sent; bytes that are no text as base64. */
  readonly raw: string;
  readonly encoding: 'utf8' | 'base64';
  /** Of a record: the base fields that were in force before it, as JSON object text; '' when there were none. */
  readonly base: string;
  readonly receivedAtUs: number;
}

export interface GapRow {
  readonly stream: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  readonly declaredAtUs: number;
}

export interface EventRow {
  readonly atUs: number;
  /** '' when the event is the gateway's own. */
  readonly device: string;
  readonly type: string;
  readonly reason: string;
  /** Further facts, as JSON object text, or ''. */
  readonly detail: string;
}

/**
 * One commit, as columns; the arrays may be longer than the counts say. Readings of one frame are consecutive and in frame order, so a
 * reading's identity (device, stream, seq, index) follows from its place. Once handed to `append` nobody writes to it.
 */
export interface Batch {
  readonly count: number;
  readonly series: Int32Array;
  readonly timeUs: Float64Array;
  /** One of KIND. */
  readonly kind: Uint8Array;
  /** The number; 0 or 1 for a boolean; an index into `strings` for a string. */
  readonly value: Float64Array;
  readonly strings: readonly string[];

  readonly frames: number;
  readonly frameStream: Int32Array;
  readonly frameSeq: Float64Array;
  /** Readings of the frame that are in this batch, and records of it that were refused (in `quarantine`; a whole-frame fault is 1). */
  readonly frameReadings: Int32Array;
  readonly frameRefused: Int32Array;
  readonly frameReceivedUs: Float64Array;

  /** New high-water marks: everything up to `acked` is settled. At most one row a stream. */
  readonly marks: number;
  readonly markStream: Int32Array;
  readonly markAcked: Float64Array;
  /** `<seq>:<SHA-256>` of what was last settled by POST, for streams that are fed so. */
  readonly bodyHashes: readonly { readonly stream: number; readonly hash: string }[];

  readonly newSeries: readonly SeriesRow[];
  readonly newStreams: readonly StreamRow[];
  /** Streams that take no more hellos; their books stay. */
  readonly retiredStreams: readonly number[];
  readonly quarantine: readonly QuarantineRow[];
  /** Rows whose replay is in this batch: marked, so that it happens once. One that is gone is passed over. */
  readonly quarantineReplayed: readonly { readonly id: number; readonly atUs: number }[];
  /** Rows that an operator threw away; their streams' books remember how many. */
  readonly quarantineDiscarded: readonly number[];
  readonly gaps: readonly GapRow[];
  readonly events: readonly EventRow[];
}

/**
 * What the catalogue knows of a series. `count` and `firstUs` are of the readings that are there; of a series whose readings are all gone
 * the rest stays, and one that never had any has a `latestRankUs` of -Infinity. `latest…` follow the protocol's rule: greatest
 * min(time, receipt + 10 min), later commit on ties.
 */
export interface SeriesState extends SeriesRow {
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly latestUs: number;
  /** The time that decided: min(time, receipt + 10 min). */
  readonly latestRankUs: number;
  readonly latestValue: Value;
  /** Readings whose time was outside 2000-01-01 … receipt + 10 min. */
  readonly clockSuspect: number;
}

export interface StreamState extends StreamRow {
  readonly acked: number;
  readonly bodyHash: string;
  /** Frames, by what became of them; acked = stored + quarantined + gaps when the books balance. */
  readonly framesStored: number;
  readonly framesQuarantined: number;
  readonly framesGap: number;
  readonly readings: number;
  readonly refused: number;
  readonly expired: number;
  /** Refused records that are in quarantine no more: gone for room, or thrown away by an operator. */
  readonly evicted: number;
  readonly discarded: number;
  readonly lastUsedAtUs: number;
  readonly retired: boolean;
}

/** `unexplained`: frames up to `acked` that are in no count; with all of them there, records that books and rows do not agree on. */
export interface StreamAccount extends StreamState {
  readonly unexplained: number;
}

export interface QuarantinedItem extends Omit<QuarantineRow, 'stream'> {
  readonly id: number;
  readonly stream: string;
  /** When it was stored after all; null while it was not. */
  readonly replayedAtUs: number | null;
}

export interface GapItem extends Omit<GapRow, 'stream'> {
  readonly id: number;
  readonly device: string;
  readonly stream: string;
}

export interface Catalogue {
  /** The store's incarnation: random at creation, new when a backup is restored. */
  readonly store: string;
  /** The highest position on disk; 0 when empty. */
  readonly position: number;
  readonly series: readonly SeriesState[];
  readonly streams: readonly StreamState[];
}

/** Readings in commit order, row by row; `seriesId[i]`, `timeUs[i]`, `value[i]` and `position[i]` belong together. */
export interface ReadingsPage {
  readonly seriesId: readonly number[];
  readonly timeUs: readonly number[];
  readonly value: readonly Value[];
  readonly position: readonly number[];
  /** More rows follow the last one of this page. */
  readonly more: boolean;
  /** The page is complete up to this position. */
  readonly upTo: number;
}

/** Where a page by time goes on: behind the first `taken` readings of a series at a time. */
export interface RangePlace {
  readonly timeUs: number;
  readonly series: number;
  readonly taken: number;
}
/** Readings by time, row by row. */
export interface RangePage {
  readonly seriesId: Int32Array;
  readonly timeUs: Float64Array;
  /** Numbers alone as a column. */
  readonly value: Float64Array | readonly Value[];
  /** Null after the last page. */
  readonly next: RangePlace | null;
  /** The page is complete up to this position. */
  readonly upTo: number;
}

export type SinceResult =
  | { readonly outcome: 'page'; readonly page: ReadingsPage }
  | { readonly outcome: 'too-old' }
  | { readonly outcome: 'future' };

/** index i of the N asked for, count, min, max, avg, first, last; numbers only have min, max and avg (booleans count as 0 and 1). */
export type Bucket = readonly [
  index: number,
  count: number,
  min: number | null,
  max: number | null,
  avg: number | null,
  first: Value,
  last: Value,
];

/** What `read` answers, by question. Ranges are [fromUs, toUs); `upTo` holds a query to what was committed at its first page. */
export interface Queries {
  /** By time, then series, then commit. `after` is `next` of the page before. */
  range: {
    ask: {
      series: readonly number[];
      fromUs: number;
      toUs: number;
      limit: number;
      after?: RangePlace;
      upTo?: number;
    };
    answer: RangePage;
  };
  /** Bucket i of N starts at fromUs + floor(i·(toUs−fromUs)/N). Empty buckets are left out. */
  buckets: {
    ask: { series: readonly number[]; fromUs: number; toUs: number; points: number };
    answer: { readonly buckets: readonly { readonly seriesId: number; readonly rows: readonly Bucket[] }[]; readonly upTo: number };
  };
  /** Newest first; `before` is the id of the last one of the page before. `device` '' means all. */
  events: {
    ask: { device: string; limit: number; before?: number; types?: readonly string[]; fromUs?: number; toUs?: number };
    answer: { readonly items: readonly (EventRow & { readonly id: number })[]; readonly more: boolean };
  };
  /** As events; `code` '' means every code, `text` stands anywhere in it. A page ends early when it has grown to some megabytes. */
  quarantine: {
    ask: { device: string; code: string; limit: number; before?: number; text?: string };
    answer: { readonly items: readonly QuarantinedItem[]; readonly more: boolean };
  };
  /** What is in quarantine, by device (the fullest first, so many) and by code. */
  quarantineSize: {
    ask: { devices: number };
    answer: {
      readonly rows: number;
      readonly bytes: number;
      readonly evicted: number;
      readonly devices: readonly { readonly device: string; readonly rows: number; readonly bytes: number }[];
      readonly codes: readonly { readonly code: string; readonly rows: number }[];
    };
  };
  /** As events. */
  gaps: {
    ask: { device: string; limit: number; before?: number };
    answer: { readonly items: readonly GapItem[]; readonly more: boolean };
  };
  /** The books, a row a stream; with `verify` counted again from the rows of frames, gaps, quarantine and log. */
  accounting: { ask: { device: string; verify: boolean }; answer: { readonly items: readonly StreamAccount[]; readonly position: number } };
  /** Size on disk and number of readings that are there. */
  size: { ask: Record<string, never>; answer: { readonly bytes: number; readonly readings: number } };
}
export type QueryName = keyof Queries;

/** Why a store can't write, where that is its disk's doing and not a fault of ours. */
export type DiskFault = 'full' | 'read-only' | 'failing' | 'damaged';
/** What stores and registries reject with then; `code` is the database's or the system's own name for it. */
export interface DiskError extends Error {
  readonly fault: DiskFault;
  readonly code: string;
}

/**
 * The contract (test/contract/store.ts runs it over every implementation):
 * - `append` resolves with the highest position of the commit once it is durable with full sync (so reading i of the batch has position
 *   result − count + 1 + i), and rejects with nothing of the batch stored. Calls are committed in call order. After a rejection the
 *   caller reads `catalogue()` anew before it appends again.
 * - `read` and `since` see every append that had resolved when they were called.
 * - `catalogue` gives all series and streams, or those of one device. After a rejected append the one of all begins anew: it opens what
 *   broke, and rejects as long as nothing can be written, or for good when the database turns out to be damaged.
 * - `close` finishes what was begun, is idempotent, and makes every later call reject.
 */
export interface ReadingStore {
  append(batch: Batch): Promise<number>;
  read<Q extends QueryName>(name: Q, ask: Queries[Q]['ask']): Promise<Queries[Q]['answer']>;
  /** Readings after `position` in commit order, of `series` or (null) of all. */
  since(position: number, series: readonly number[] | null, limit: number): Promise<SinceResult>;
  catalogue(device?: string): Promise<Catalogue>;
  close(): Promise<void>;
}
