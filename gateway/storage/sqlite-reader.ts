// A thread that answers questions on a read-only connection. Long scans run in slices of positions, each a read transaction of its own,
// so that none outlives the limit and the WAL can be checkpointed in between.

import type Database from 'better-sqlite3';
import type { Value } from '../protocol/messages.ts';
import { createBucketer } from './bucketer.ts';
import { type DamagedChunk, openChunkSource } from './chunk-source.ts';
import { openHotLog } from './hot-log.ts';
import { openForReading } from './migrate.ts';
import { createMemoryReturn } from './memory-return.ts';
import { readRange } from './range-reader.ts';
import { framesMissing, recount, recountEnds } from './recount.ts';
import type { GapItem, Queries, QuarantinedItem, QueryName, ReadingsPage, SinceResult, StreamState } from './store.ts';
import { addSeries } from './sealed-buckets.ts';
import { serveThread } from './thread.ts';

/** Raw bytes a page of quarantine: a row can have as much as a request's body. */
const PAGE_RAW_BYTES = 4 * 2 ** 20;
/** Log rows a slice: about 30 ms of scanning. */
const SLICE_ROWS = 200_000;
/** Recounts in short read transactions, before one that the log's trimming cannot disturb. */
const RECOUNTS = 3;
/** Where a text is looked for in a row of quarantine; letters of ASCII whatever their case. */
const TEXT_IN_ROW = `(q.raw LIKE @like ESCAPE '\\' OR q.message LIKE @like ESCAPE '\\' OR q.code LIKE @like ESCAPE '\\' OR s.stream LIKE @like ESCAPE '\\') AND `;
/** Series a read transaction of a chart. */
const TURN_SERIES = 512;

const HOUSEKEEPING_MS = 5_000;
/** What is worth a collection once nobody asks any more. */
const RETURNED_BYTES = 8 * 2 ** 20;

type LogRow = [position: number, series: number, timeUs: number, value: number | string, isBoolean: number];
type Handlers = { [Q in QueryName]: (ask: Queries[Q]['ask']) => Queries[Q]['answer'] } & {
  since(ask: { position: number; series: readonly number[] | null; limit: number }): SinceResult;
  close(): void;
};

const COLUMNS = `position, series, time_us, value, typeof(value) = 'integer'`;
/** The series asked for come as one JSON array: a statement per question, not one per number of series. */
const OF_SERIES = 'series IN (SELECT value FROM json_each(?))';

serveThread<{ file: string }>(({ file }, tell) => openReader(openForReading(file), tell) as never);

function openReader(db: Database.Database, tell: (damaged: DamagedChunk) => void): Handlers {
  const source = openChunkSource(db, { onDamaged: tell });
  const returnMemory = createMemoryReturn(RETURNED_BYTES);
  const housekeeping = setInterval(() => {
    if (source.forgetUnused(performance.now())) returnMemory();
  }, HOUSEKEEPING_MS);
  const hot = openHotLog(db);
  const after = db.prepare(`SELECT ${COLUMNS} FROM log WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`).raw();
  const afterOf = db
    .prepare(`SELECT ${COLUMNS} FROM log WHERE position > ? AND position <= ? AND ${OF_SERIES} ORDER BY position LIMIT ?`)
    .raw();
  const first = db.prepare('SELECT min(position) FROM log').pluck();
  const meta = db.prepare(`SELECT content FROM meta WHERE key = 'position'`).pluck();
  const expired = db.prepare('SELECT coalesce(sum(expired), 0) FROM streams').pluck();
  const EVENTS = 'SELECT id, at_us AS atUs, device, type, reason, detail FROM events';
  // a statement for what is asked, as with quarantine
  const events = ({ device, types, fromUs, toUs }: Queries['events']['ask']): Database.Statement =>
    db.prepare(
      `${EVENTS} WHERE ${device === '' ? '' : 'device = @device AND '}${types === undefined ? '' : 'type IN (SELECT value FROM json_each(@types)) AND '}${
        fromUs === undefined ? '' : 'at_us >= @fromUs AND '
      }${toUs === undefined ? '' : 'at_us < @toUs AND '}id < @before ORDER BY id DESC LIMIT @rows`,
    );
  // a statement for what is asked: with an OR over both, no index would be of use. Of the two, the device's has an end (the + hides the other)
  const quarantine = (device: string, code: string, hasText: boolean): Database.Statement =>
    db.prepare(
      `SELECT q.id, q.device, s.stream, q.seq, q.record AS "index", q.code, q.message, q.raw, q.encoding, q.base,
       q.received_us AS receivedAtUs, q.replayed_us AS replayedAtUs FROM quarantine q JOIN streams s ON s.id = q.stream
       WHERE ${hasText ? TEXT_IN_ROW : ''}${device === '' ? '' : 'q.device = @device AND '}${code === '' ? '' : device === '' ? 'q.code = @code AND ' : '+q.code = @code AND '}q.id < @before
       ORDER BY q.id DESC LIMIT @rows`,
    );
  const sizes = db.prepare(
    'SELECT device, count(*) AS rows, sum(bytes) AS bytes FROM quarantine INDEXED BY quarantine_of_device GROUP BY device ORDER BY bytes DESC, device',
  );
  const codes = db.prepare(
    'SELECT code, count(*) AS rows FROM quarantine INDEXED BY quarantine_of_code GROUP BY code ORDER BY rows DESC, code',
  );
  const evicted = db.prepare('SELECT coalesce(sum(evicted), 0) FROM streams').pluck();
  const gaps = db.prepare(
    `SELECT g.id, s.device, s.stream, g.first_seq AS fromSeq, g.last_seq AS toSeq, g.reason, g.declared_us AS declaredAtUs
     FROM gaps g JOIN streams s ON s.id = g.stream WHERE (@device = '' OR s.device = @device) AND g.id < @before ORDER BY g.id DESC LIMIT @rows`,
  );
  const streams = db.prepare(
    `SELECT id, device, stream, created_us AS createdAtUs, last_used_us AS lastUsedAtUs, retired, acked, body_hash AS bodyHash,
     frames_stored AS framesStored, frames_quarantined AS framesQuarantined, frames_gap AS framesGap, readings, refused, expired,
     evicted, discarded FROM streams WHERE ? = '' OR device = ? ORDER BY device, id`,
  );

  const lastPosition = (): number => Number(meta.get() ?? 0);
  const firstPosition = (): number => (first.get() as number | null) ?? lastPosition() + 1;
  /** One moment of the database, however many statements ask for it. */
  const atOnce = <T>(ask: () => T): T => db.transaction(ask)();
  function page(rows: readonly LogRow[], more: boolean, upTo: number): ReadingsPage {
    return {
      seriesId: rows.map((row) => row[1]),
      timeUs: rows.map((row) => row[2]),
      value: rows.map(valueOf),
      position: rows.map((row) => row[0]),
      more,
      upTo,
    };
  }

  return {
    range: (ask) => atOnce(() => readRange(source, hot, ask, lastPosition())),

    // held to the one position that was the end when it was asked: what is committed meanwhile is not half in it
    buckets({ series, fromUs, toUs, points }) {
      const upTo = lastPosition();
      const bucketer = createBucketer(fromUs, toUs, points);
      for (let from = 0; from < series.length; from += TURN_SERIES) {
        const some = series.slice(from, from + TURN_SERIES);
        atOnce(() => addSeries({ source, hot, bucketer, series: some, fromUs, toUs, upTo }));
      }
      return { buckets: bucketer.finish(), upTo };
    },

    since({ position, series, limit }) {
      const upTo = lastPosition();
      if (position > upTo) return { outcome: 'future' };
      if (position < firstPosition() - 1) return { outcome: 'too-old' };
      let rows: LogRow[] = [];
      if (series === null) rows = after.all(position, upTo, limit + 1) as LogRow[];
      else {
        const list = JSON.stringify(series);
        for (let from = position; from < upTo && rows.length <= limit; from += SLICE_ROWS) {
          rows.push(...(afterOf.all(from, Math.min(from + SLICE_ROWS, upTo), list, limit + 1 - rows.length) as LogRow[]));
        }
      }
      // the log may have been trimmed between two of these statements, and a page with a hole would look whole
      if (position < firstPosition() - 1) return { outcome: 'too-old' };
      const more = rows.length > limit;
      if (more) rows.pop();
      return { outcome: 'page', page: page(rows, more, more ? rows[rows.length - 1][0] : upTo) };
    },

    events(ask) {
      const { limit, before = Number.MAX_SAFE_INTEGER, types = [] } = ask;
      const rows = events(ask).all({ ...ask, types: JSON.stringify(types), before, rows: limit + 1 });
      const items = rows as Queries['events']['answer']['items'][number][];
      return { items: items.slice(0, limit), more: items.length > limit };
    },

    quarantine({ device, code, limit, before, text = '' }) {
      const like = `%${text.replace(/[\\%_]/g, (mark) => `\\${mark}`)}%`;
      const ask = { device, code, like, before: before ?? Number.MAX_SAFE_INTEGER, rows: limit + 1 };
      const items: QuarantinedItem[] = [];
      let bytes = 0;
      for (const item of quarantine(device, code, text !== '').iterate(ask) as IterableIterator<QuarantinedItem>) {
        if (items.length === limit || (bytes > 0 && bytes + item.raw.length > PAGE_RAW_BYTES)) return { items, more: true };
        items.push(item);
        bytes += item.raw.length;
      }
      return { items, more: false };
    },

    quarantineSize({ devices }) {
      return atOnce(() => {
        const byDevice = sizes.all() as Queries['quarantineSize']['answer']['devices'][number][];
        return {
          rows: byDevice.reduce((sum, one) => sum + one.rows, 0),
          bytes: byDevice.reduce((sum, one) => sum + one.bytes, 0),
          evicted: evicted.get() as number,
          devices: byDevice.slice(0, devices),
          codes: codes.all() as Queries['quarantineSize']['answer']['codes'][number][],
        };
      });
    },

    gaps({ device, limit, before = Number.MAX_SAFE_INTEGER }) {
      const items = gaps.all({ device, before, rows: limit + 1 }) as GapItem[];
      return { items: items.slice(0, limit), more: items.length > limit };
    },

    accounting({ device, verify }) {
      const books = () => ({
        rows: streams.all(device, device) as (Omit<StreamState, 'retired'> & { retired: number })[],
        position: lastPosition(),
        ends: verify ? recountEnds(db) : null,
      });
      const count = ({ rows, position, ends }: ReturnType<typeof books>, isHeld: boolean) => {
        const items = rows.map((row) => ({ ...row, retired: row.retired === 1 }));
        const accounts =
          ends === null ? items.map((row) => ({ ...row, unexplained: framesMissing(row) })) : recount(db, items, ends, isHeld);
        return accounts && { items: accounts, position };
      };
      for (let turn = 0; turn < RECOUNTS; turn++) {
        const counted = count(atOnce(books), false);
        if (counted !== null) return counted;
      }
      return atOnce(() => count(books(), true) as NonNullable<ReturnType<typeof count>>);
    },

    size() {
      const pages = db.pragma('page_count', { simple: true }) as number;
      const pageBytes = db.pragma('page_size', { simple: true }) as number;
      return { bytes: pages * pageBytes, readings: lastPosition() - (expired.get() as number) };
    },

    close() {
      clearInterval(housekeeping);
      db.close();
    },
  };
}

function valueOf(row: LogRow): Value {
  return row[4] === 1 ? row[3] === 1 : row[3];
}
