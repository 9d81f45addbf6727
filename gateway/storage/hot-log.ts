// The part of the log that is in no chunk yet, as queries see it. Scanned in slices of positions.

import type Database from 'better-sqlite3';
import type { Value } from '../protocol/messages.ts';

/** In the order of time, series, commit. */
export interface HotRows {
  readonly count: number;
  readonly series: readonly number[];
  readonly timeUs: readonly number[];
  readonly value: readonly Value[];
}
export interface HotAsk {
  readonly series: readonly number[];
  readonly fromUs: number;
  readonly firstSeries: number;
  readonly toUs: number;
  readonly upTo: number;
  readonly limit: number;
}
export interface HotLog {
  /** The first `limit`, at `fromUs` only of `firstSeries` and those after it. */
  rows(ask: HotAsk): HotRows;
  /** Each in commit order. */
  scan(
    series: readonly number[],
    fromUs: number,
    toUs: number,
    upTo: number,
    each: (series: number, timeUs: number, value: Value) => void,
  ): void;
  /** How many readings at each time of each series are sealed and came after `position`. */
  laterThan(position: number, series: readonly number[], fromUs: number, toUs: number): Map<number, Map<number, number>>;
}

type Row = [position: number, series: number, timeUs: number, value: number | string, isBoolean: number];

/** Log rows a slice: about 30 ms of scanning. */
const SLICE_ROWS = 200_000;

export function openHotLog(db: Database.Database): HotLog {
  const COLUMNS = `position, series, time_us, value, typeof(value) = 'integer'`;
  /** The series asked for come as one JSON array: a statement per question, not one per number of series. */
  const WHERE = 'position > ? AND position <= ? AND series IN (SELECT value FROM json_each(?)) AND time_us >= ? AND time_us < ?';
  // a round of sealing that is under way is ahead of the mark with some series
  const UNSEALED = 'AND position > coalesce((SELECT position FROM sealing WHERE sealing.series = log.series), 0)';
  const statements = (filter: string): { sorted: Database.Statement; scan: Database.Statement } => ({
    sorted: db
      .prepare(
        `SELECT ${COLUMNS} FROM log WHERE ${WHERE} AND (time_us > ? OR series >= ?) ${filter} ORDER BY time_us, series, position LIMIT ?`,
      )
      .raw(),
    scan: db.prepare(`SELECT ${COLUMNS} FROM log WHERE ${WHERE} ${filter} ORDER BY position`).raw(),
  });
  const quiet = statements('');
  const sealing = statements(UNSEALED);
  const isSealing = db.prepare('SELECT EXISTS (SELECT 1 FROM sealing)').pluck();
  const meta = db.prepare('SELECT content FROM meta WHERE key = ?').pluck();
  const later = db
    .prepare(
      `SELECT series, time_us, count(*) FROM log WHERE ${WHERE} AND position <= max(?, coalesce((SELECT position FROM sealing WHERE sealing.series = log.series), 0)) GROUP BY series, time_us`,
    )
    .raw();
  const highest = db.prepare('SELECT coalesce(max(position), 0) FROM sealing').pluck();
  const mark = (): number => Number(meta.get('sealed') ?? 0);

  return {
    rows({ series, fromUs, firstSeries, toUs, upTo, limit }) {
      const { sorted } = isSealing.get() === 1 ? sealing : quiet;
      const list = JSON.stringify(series);
      let rows: Row[] = [];
      for (let from = mark(); from < upTo; from += SLICE_ROWS) {
        const found = sorted.all(from, Math.min(from + SLICE_ROWS, upTo), list, fromUs, toUs, fromUs, firstSeries, limit) as Row[];
        if (found.length > 0) rows = rows.length === 0 ? found : merge(rows, found, limit);
      }
      return { count: rows.length, series: rows.map((row) => row[1]), timeUs: rows.map((row) => row[2]), value: rows.map(valueOf) };
    },
    scan(series, fromUs, toUs, upTo, each) {
      const { scan } = isSealing.get() === 1 ? sealing : quiet;
      const list = JSON.stringify(series);
      for (let from = mark(); from < upTo; from += SLICE_ROWS)
        for (const row of scan.all(from, Math.min(from + SLICE_ROWS, upTo), list, fromUs, toUs) as Row[])
          each(row[1], row[2], valueOf(row));
    },
    laterThan(position, series, fromUs, toUs) {
      const found = new Map<number, Map<number, number>>();
      const sealedTo = Math.max(mark(), highest.get() as number);
      if (position >= sealedTo) return found;
      const rows = later.all(position, sealedTo, JSON.stringify(series), fromUs, toUs, mark()) as [number, number, number][];
      for (const [id, timeUs, count] of rows) {
        const times = found.get(id) ?? new Map<number, number>();
        times.set(timeUs, count);
        found.set(id, times);
      }
      return found;
    },
  };
}

function valueOf(row: Row): Value {
  return row[4] === 1 ? row[3] === 1 : row[3];
}

/** Both in order, every position of `right` above those of `left`. */
function merge(left: readonly Row[], right: readonly Row[], limit: number): Row[] {
  const merged: Row[] = [];
  let l = 0;
  let r = 0;
  while (merged.length < limit && (l < left.length || r < right.length)) {
    const a = left[l];
    const b = right[r];
    const isLeft = b === undefined || (a !== undefined && (a[2] < b[2] || (a[2] === b[2] && a[1] <= b[1])));
    merged.push(isLeft ? (left[l++] as Row) : (right[r++] as Row));
  }
  return merged;
}
