// What is known of each series (count, first, last, latest), kept by the writer in columns and written down in slices now and then, so
// that a start reads the few log rows above the mark instead of the whole log. Times in µs.

import type Database from 'better-sqlite3';
import type { Value } from '../protocol/messages.ts';
import type { ExpiredReadings } from './seal-slice.ts';
import { CLOCK_SLACK_US, isClockSuspect } from '../protocol/time.ts';
import { type Batch, KIND, type SeriesRow, type SeriesState } from './store.ts';

const SLICE_ROWS = 500;
const WRITE_EVERY_MS = 5_000;
/** Sooner at a high rate: a start after a crash counts at most about three times as many again. */
const WRITE_EVERY_ROWS = 300_000;
/** Log rows that a start reads at once: most runs are a few rows, and a query for each would take longer than its rows. */
const LOADED_ROWS = 4096;

interface StoredRow extends SeriesRow {
  readonly readings: number;
  readonly first_us: number | null;
  readonly last_us: number | null;
  readonly latest_us: number | null;
  readonly latest_rank_us: number | null;
  readonly latest_value: string | null;
  readonly clock_suspect: number;
  readonly counted_to: number;
}

/** The place that a cycle of writing began at. */
interface Mark {
  readonly position: number;
  readonly frame: number;
}

export interface SeriesBook {
  add(row: SeriesRow): void;
  /** Takes the readings of a batch that was committed and ended at `position`. */
  count(batch: Batch, position: number): void;
  states(device: string | undefined): SeriesState[];
  /** Inside a transaction: writes a slice when one is due (`all`: everything, at close). */
  writeSlice(nowMs: number, all: boolean): void;
  /** After that transaction: what was written is settled, or goes back to be written again. */
  sliceDone(isCommitted: boolean): void;
  /** From now on the first time of each series is kept for `writeExpired`: what else there is comes with it. */
  watchFirst(): void;
  /** Inside a transaction: readings that are gone from chunks. Returns how many by device. */
  writeExpired(expired: readonly ExpiredReadings[]): Map<string, number>;
  /** Inside a transaction: a device's series, of which no reading is left, become as if there never had been one. */
  forget(device: string): void;
  readonly isDirty: boolean;
  /** What is written down counts everything up to here, so that a start needs the log above it only. */
  readonly countedTo: number;
}

/** Loads the book and counts the rows above its mark. */
export function openSeriesBook(db: Database.Database, position: number): SeriesBook {
  const rows: SeriesRow[] = [];
  let capacity = 1024;
  let readings = new Float64Array(capacity);
  let firstUs = new Float64Array(capacity);
  let lastUs = new Float64Array(capacity);
  let latestUs = new Float64Array(capacity);
  let rankUs = new Float64Array(capacity);
  let suspects = new Float64Array(capacity);
  /** The first time since `watchFirst`; -Infinity: nobody watches. */
  let watchedUs = new Float64Array(capacity).fill(Number.NEGATIVE_INFINITY);
  let isWatching = false;
  /** What `writeExpired` found, for when it is committed. */
  let expiring: { readonly id: number; readonly left: number; readonly firstUs: number }[] = [];
  let isDirtyAt = new Uint8Array(capacity);
  const latest: (Value | undefined)[] = [];

  let dirty: number[] = [];
  let writing: number[] = [];
  let cycleMark: Mark | null = null;
  /** What the transaction under way has written, should it be rolled back. */
  let written: number[] = [];
  let writtenMark: Mark | null = null;
  let cycleAtMs = 0;
  let writtenTo = 0;
  let cycleFrom = position;
  let counted = position;

  const grow = (id: number): void => {
    while (id >= capacity) capacity *= 2;
    const wider = (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(capacity);
      to.set(from);
      return to;
    };
    [readings, firstUs, lastUs, latestUs, rankUs, suspects, watchedUs] = [
      readings,
      firstUs,
      lastUs,
      latestUs,
      rankUs,
      suspects,
      watchedUs,
    ].map(wider);
    const flags = new Uint8Array(capacity);
    flags.set(isDirtyAt);
    isDirtyAt = flags;
  };

  const add = (row: SeriesRow): void => {
    if (row.id >= capacity) grow(row.id);
    rows[row.id] = row;
    rankUs[row.id] = Number.NEGATIVE_INFINITY;
    watchedUs[row.id] = isWatching ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  };

  const countOne = (id: number, timeUs: number, receivedUs: number, value: Value): void => {
    if (readings[id]++ === 0) {
      firstUs[id] = timeUs;
      lastUs[id] = timeUs;
    } else if (timeUs < firstUs[id]) firstUs[id] = timeUs;
    else if (timeUs > lastUs[id]) lastUs[id] = timeUs;
    if (timeUs < watchedUs[id]) watchedUs[id] = timeUs;
    const rank = Math.min(timeUs, receivedUs + CLOCK_SLACK_US);
    if (rank >= rankUs[id]) {
      rankUs[id] = rank;
      latestUs[id] = timeUs;
      latest[id] = value;
    }
    if (isClockSuspect(timeUs, receivedUs)) suspects[id]++;
    if (isDirtyAt[id] === 0) {
      isDirtyAt[id] = 1;
      dirty.push(id);
    }
  };

  const update = db.prepare(
    `UPDATE series SET readings=?, first_us=?, last_us=?, latest_us=?, latest_rank_us=?, latest_value=?, clock_suspect=?, counted_to=? WHERE id=?`,
  );
  const setMark = db.prepare(`INSERT OR REPLACE INTO meta(key, content) VALUES ('counted', ?)`);
  const lastFrame = db.prepare('SELECT max(id) FROM frames').pluck();

  load();
  return {
    add,
    count(batch, upTo) {
      let i = 0;
      for (let f = 0; f < batch.frames; f++) {
        const received = batch.frameReceivedUs[f];
        for (const end = i + batch.frameReadings[f]; i < end; i++) {
          const value = batch.value[i];
          const kind = batch.kind[i];
          countOne(
            batch.series[i],
            batch.timeUs[i],
            received,
            kind === KIND.number ? value : kind === KIND.boolean ? value === 1 : batch.strings[value],
          );
        }
      }
      counted = upTo;
    },
    states(device) {
      const states: SeriesState[] = [];
      for (const row of rows) {
        if (row === undefined) continue;
        if (device !== undefined && row.device !== device) continue;
        const { id } = row;
        states.push({
          ...row,
          count: readings[id],
          firstUs: firstUs[id],
          lastUs: lastUs[id],
          latestUs: latestUs[id],
          latestRankUs: rankUs[id],
          latestValue: latest[id] ?? 0,
          clockSuspect: suspects[id],
        });
      }
      return states;
    },
    writeSlice(nowMs, all) {
      if (writing.length === 0) {
        const isDue = nowMs - cycleAtMs >= WRITE_EVERY_MS || counted - cycleFrom >= WRITE_EVERY_ROWS;
        if (dirty.length === 0 || !(all || isDue)) return;
        [writing, dirty] = [dirty, []];
        cycleMark = { position: counted, frame: (lastFrame.get() as number | null) ?? 0 };
        cycleAtMs = nowMs;
        cycleFrom = counted;
      }
      for (let n = 0; writing.length > 0 && (all || n < SLICE_ROWS); n++) {
        const id = writing.pop() as number;
        isDirtyAt[id] = 0;
        written.push(id);
        const value = JSON.stringify(latest[id]);
        update.run(readings[id], firstUs[id], lastUs[id], latestUs[id], rankUs[id], value, suspects[id], counted, id);
      }
      if (writing.length === 0 && cycleMark !== null) {
        setMark.run(JSON.stringify(cycleMark));
        writtenMark = cycleMark;
        cycleMark = null;
      }
      if (all && dirty.length > 0) this.writeSlice(nowMs, true);
    },
    watchFirst() {
      isWatching = true;
      watchedUs.fill(Number.POSITIVE_INFINITY);
    },
    writeExpired(expired) {
      const byDevice = new Map<string, number>();
      for (const one of expired) {
        const { series: id } = one;
        const { device } = rows[id];
        const left = readings[id] - one.readings;
        let first = one.firstUs === null ? firstUs[id] : Math.min(one.firstUs, watchedUs[id]);
        // a fresh writer took over, and has not seen all: as it was is early, but no lie that hides anything
        if (first === Number.NEGATIVE_INFINITY) first = firstUs[id];
        if (first === Number.POSITIVE_INFINITY) first = lastUs[id];
        update.run(left, first, lastUs[id], latestUs[id], rankUs[id], JSON.stringify(latest[id]), suspects[id], counted, id);
        expiring.push({ id, left, firstUs: first });
        byDevice.set(device, (byDevice.get(device) ?? 0) + one.readings);
      }
      return byDevice;
    },
    forget(device) {
      for (const row of rows) {
        if (row === undefined || row.device !== device || readings[row.id] > 0) continue;
        const { id } = row;
        rankUs[id] = Number.NEGATIVE_INFINITY;
        firstUs[id] = lastUs[id] = latestUs[id] = suspects[id] = latest[id] = 0;
        update.run(0, null, null, null, null, null, 0, counted, id);
      }
    },
    sliceDone(isCommitted) {
      if (isCommitted)
        for (const { id, left, firstUs: first } of expiring) {
          readings[id] = left;
          firstUs[id] = first;
        }
      expiring = [];
      if (!isCommitted && written.length > 0) {
        // back into the cycle, which ends at the mark that it began with
        writing.push(...written);
        cycleMark ??= writtenMark;
        for (const id of written) isDirtyAt[id] = 1;
      }
      if (isCommitted && writtenMark !== null) writtenTo = writtenMark.position;
      written = [];
      writtenMark = null;
    },
    get isDirty() {
      return dirty.length > 0 || writing.length > 0;
    },
    get countedTo() {
      return writtenTo;
    },
  };

  function load(): void {
    const countedTo: number[] = [];
    for (const row of db.prepare('SELECT * FROM series').iterate() as IterableIterator<StoredRow>) {
      add({ id: row.id, device: row.device, metric: row.metric, unit: row.unit });
      countedTo[row.id] = row.counted_to;
      if (row.latest_us === null || row.latest_us < Number.MIN_SAFE_INTEGER) continue; // never counted; of others all may be gone
      readings[row.id] = row.readings;
      firstUs[row.id] = row.first_us as number;
      lastUs[row.id] = row.last_us as number;
      latestUs[row.id] = row.latest_us as number;
      rankUs[row.id] = row.latest_rank_us as number;
      latest[row.id] = JSON.parse(row.latest_value as string);
      suspects[row.id] = row.clock_suspect;
    }
    const stored = db.prepare(`SELECT content FROM meta WHERE key = 'counted'`).pluck().get() as string | undefined;
    const mark = stored === undefined ? { position: 0, frame: 0 } : (JSON.parse(stored) as { position: number; frame: number });
    writtenTo = mark.position;
    if (mark.position >= position) return;

    // the log above the mark, with each row's time of receipt from the run of frames that it came in
    const runs = db.prepare('SELECT first_position, readings, received_us FROM frames WHERE id > ? AND readings > 0 ORDER BY id').raw();
    const log = db
      .prepare(`SELECT series, time_us, value, typeof(value) = 'integer' FROM log WHERE position BETWEEN ? AND ? ORDER BY position`)
      .raw();
    let rows: [number, number, number | string, number][] = [];
    let rowsFrom = 0;
    for (const [first, size, received] of runs.iterate(mark.frame) as IterableIterator<[number, number, number]>) {
      for (let at = first; at < first + size; at++) {
        if (at >= rowsFrom + rows.length) {
          rows = log.all(at, at + LOADED_ROWS - 1) as typeof rows;
          rowsFrom = at;
        }
        const [id, timeUs, value, isBoolean] = rows[at - rowsFrom];
        if (at > countedTo[id]) countOne(id, timeUs, received, isBoolean === 1 ? value === 1 : value);
      }
    }
  }
}
