// The one thread that writes readings. A batch is one transaction with full sync; the answer goes out before any housekeeping.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type Database from 'better-sqlite3';
import { openChunkBook } from './chunk-book.ts';
import { diskFaultOf } from './disk-fault.ts';
import { type EventBounds, openEventBook } from './event-book.ts';
import { createMemoryReturn } from './memory-return.ts';
import { openMigrated } from './migrate.ts';
import { openQuarantineBook, type QuarantineBounds } from './quarantine-book.ts';
import type { SealSlice } from './seal-slice.ts';
import { createReplayWindow, type ReplayBounds } from './replay-window.ts';
import { openSeriesBook } from './series-book.ts';
import { type Batch, type Catalogue, KIND } from './store.ts';
import { createStoreCopy } from './store-copy.ts';
import { openStreamBook } from './stream-book.ts';
import { serveThread } from './thread.ts';
import { createWriteMeter, type Written } from './write-meter.ts';

export interface StoreBounds extends QuarantineBounds, EventBounds {}
export interface WriterData {
  readonly file: string;
  readonly walCheckpointBytes: number;
  readonly bounds: StoreBounds;
  /** Sealed readings stay in the log for so long. */
  readonly replay: ReplayBounds;
}
/** What went for room since it was last told. */
export interface Dropped {
  readonly quarantine: number;
  readonly events: number;
}
/** The position; in an object when there is more to say. */
export type Appended = number | { readonly position: number; readonly dropped: Dropped };

/** Rows an INSERT statement: half the cost a row of one at a time, and no better beyond 32 (measured). */
const ROWS = 32;
const FULL = 2;
/** Times the size at which the log is written into the database: 64 MiB by default. */
const TRUNCATE_AT = 16;
const HOUSEKEEPING_MS = 2_000;
/** Log rows that go in a transaction of their own; with a batch go a few more than come. */
const TRIM_ROWS = 20_000;
const TRIM_WITH_BATCH = 500;
/** Free pages that are given back at a time: some milliseconds. */
const VACUUM_PAGES = 64;
/** Of the file, what may be free pages. */
const FREE_SHARE = 0.05;

let afterAnswer: () => void = () => undefined;

serveThread<WriterData>(
  (data, tell) => {
    const db = openMigrated({ file: data.file, migrationsDir: fileURLToPath(new URL('../../migrations/readings', import.meta.url)) });
    // checkpoints run after the answer, not inside a commit that devices wait for
    db.pragma('wal_autocheckpoint = 0');
    const store = openWriter(db, data, tell);
    afterAnswer = store.afterAnswer;
    return store.handlers;
  },
  () => afterAnswer(),
);

function openWriter(db: Database.Database, { walCheckpointBytes, bounds, replay }: WriterData, tell: (written: Written) => void) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insert = db.prepare('INSERT INTO log(position, series, time_us, value) VALUES (?, ?, ?, ?)');
  const insertMany = db.prepare(`INSERT INTO log(position, series, time_us, value) VALUES ${Array(ROWS).fill('(?, ?, ?, ?)').join(', ')}`);
  // as long as it will ever be, for a row that grows later would split its page; with no reading counted none of it means anything
  const insertSeries = db.prepare(
    `INSERT INTO series(id, device, metric, unit, first_us, last_us, latest_us, latest_rank_us, latest_value, counted_to)
     VALUES (?, ?, ?, ?, ${'-4611686018427387904, '.repeat(4)} '0000000000000000000000', 0)`,
  );

  const store = incarnation(db);
  let position = (db.prepare('SELECT max(position) FROM log').pluck().get() as number | null) ?? 0;
  position = Math.max(position, Number(readMeta(db, 'position') ?? 0));
  const setPosition = db.prepare(`INSERT OR REPLACE INTO meta(key, content) VALUES ('position', ?)`);
  const seriesBook = openSeriesBook(db, position);
  const streamBook = openStreamBook(db);
  const quarantine = openQuarantineBook(db, bounds);
  const events = openEventBook(db, bounds);
  const chunkBook = openChunkBook(db);
  const replayWindow = createReplayWindow(replay, position, Date.now());
  let eventsDropped = 0;
  const cells: unknown[] = new Array(ROWS * 4);
  let isSyncChecked = false;
  let walFrames = 0;
  let uncounted: { batch: Batch; position: number } | null = null;
  /** An append failed: a fresh writer takes over, and what this one still believes is written nowhere. */
  let isRetired = false;

  const copy = createStoreCopy(db);
  const meter = createWriteMeter(db);
  const returnMemory = createMemoryReturn();

  const housekeeping = setInterval(() => {
    returnMemory();
    try {
      keepHouse(Date.now());
      giveBackWhenMany();
      meter.look();
      tell(meter.written);
    } catch {
      // a full disk or a foreign lock: all of it is tried again at the next turn; appends tell of the trouble
    }
  }, HOUSEKEEPING_MS);

  const freePages = (): number => db.pragma('freelist_count', { simple: true }) as number;
  function giveBack(): number {
    db.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    walFrames += VACUUM_PAGES;
    return freePages();
  }
  /** New readings take free pages first, so some are left to them. */
  function giveBackWhenMany(): void {
    const free = freePages();
    if (free > VACUUM_PAGES && free > FREE_SHARE * (db.pragma('page_count', { simple: true }) as number)) giveBack();
  }

  /** A step of each thing that is due: a commit that comes meanwhile waits for no more than that. */
  function keepHouse(nowMs: number): void {
    const isEventsOver = events.isOver(nowMs);
    const isQuarantineOver = quarantine.isOver;
    replayWindow.note(position, nowMs);
    const trimTo = trimLimit(nowMs);
    if (!seriesBook.isDirty && !isEventsOver && !isQuarantineOver && trimTo <= chunkBook.trimmed) return;
    let gone = 0;
    transaction(() => {
      seriesBook.writeSlice(nowMs, false);
      if (isEventsOver) gone = events.dropSome(nowMs);
      if (isQuarantineOver) streamBook.writeDepartures(quarantine.evictSome());
      chunkBook.trim(trimTo, TRIM_ROWS);
    });
    if (isQuarantineOver) streamBook.commit();
    eventsDropped += gone;
  }

  /** Sealed, counted, and no longer wanted for replay. */
  function trimLimit(nowMs: number): number {
    return Math.min(chunkBook.mark, seriesBook.countedTo, replayWindow.endsAt(position, nowMs));
  }

  function transaction(work: () => void): void {
    begin.run();
    try {
      work();
      commit.run();
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      seriesBook.sliceDone(false);
      quarantine.done(false);
      chunkBook.reload();
      throw error;
    }
    seriesBook.sliceDone(true);
    quarantine.done(true);
    if (!isSyncChecked) {
      // before the first commit the pragma can say FULL while NORMAL is in force
      if (db.pragma('synchronous', { simple: true }) !== FULL) throw new Error('SQLite does not run with synchronous=FULL');
      isSyncChecked = true;
    }
  }

  function cell(batch: Batch, i: number): unknown {
    const value = batch.value[i];
    const kind = batch.kind[i];
    if (kind === KIND.number) return value;
    // a bigint is bound as INTEGER: that storage class says boolean
    return kind === KIND.boolean ? BigInt(value) : batch.strings[value];
  }

  function insertReadings(batch: Batch): void {
    let at = position;
    let i = 0;
    for (const whole = batch.count - (batch.count % ROWS); i < whole; ) {
      for (let c = 0; c < cells.length; i++) {
        cells[c++] = ++at;
        cells[c++] = batch.series[i];
        cells[c++] = batch.timeUs[i];
        cells[c++] = cell(batch, i);
      }
      insertMany.run(cells);
    }
    for (; i < batch.count; i++) insert.run(++at, batch.series[i], batch.timeUs[i], cell(batch, i));
  }

  function retire(): void {
    isRetired = true;
    clearInterval(housekeeping);
  }

  function append(batch: Batch): Appended {
    if (isRetired) throw new Error('an append failed before: read the catalogue anew first');
    settleBooks();
    try {
      transaction(() => {
        seriesBook.writeSlice(Date.now(), false);
        for (const row of batch.newSeries) insertSeries.run(row.id, row.device, row.metric, row.unit);
        insertReadings(batch);
        streamBook.write(batch, position, quarantine.write(batch));
        events.write(batch.events);
        if (batch.count > 0) setPosition.run(position + batch.count);
        const trimTo = trimLimit(Date.now());
        if (trimTo > chunkBook.trimmed) chunkBook.trim(trimTo, batch.count * 2 + TRIM_WITH_BATCH);
      });
    } catch (error) {
      retire();
      throw error;
    }
    streamBook.commit();
    position += batch.count;
    // only what counting needs: refused records may be many
    uncounted = { batch: { ...batch, quarantine: [], events: [] }, position };
    walFrames += 1;
    const dropped: Dropped = { quarantine: quarantine.takeEvicted(), events: eventsDropped };
    eventsDropped = 0;
    return dropped.quarantine + dropped.events > 0 ? { position, dropped } : position;
  }

  /** What the answer need not wait for, but everything later does. */
  function settleBooks(): void {
    if (uncounted === null) return;
    for (const row of uncounted.batch.newSeries) seriesBook.add(row);
    seriesBook.count(uncounted.batch, uncounted.position);
    uncounted = null;
  }

  /** Long readers have let it grow: its room is given back in a moment without any. */
  function truncateWal(): void {
    const patienceMs = db.pragma('busy_timeout', { simple: true }) as number;
    db.pragma('busy_timeout = 0');
    try {
      meter.checkpoint('TRUNCATE');
    } finally {
      db.pragma(`busy_timeout = ${patienceMs}`);
    }
  }
  function checkpointWhenDue(): void {
    if (walFrames < 8) return;
    walFrames = 0;
    try {
      const bytes = meter.look();
      if (bytes >= walCheckpointBytes * TRUNCATE_AT) truncateWal();
      else if (bytes >= walCheckpointBytes) meter.checkpoint('PASSIVE');
    } catch {
      // the log stays as it is and is looked at again some commits later
    }
  }

  return {
    afterAnswer(): void {
      settleBooks();
      if (!isRetired) checkpointWhenDue();
    },
    handlers: {
      append,
      /** One slice of sealing. */
      seal(slice: SealSlice): void {
        if (isRetired) throw new Error('an append failed before: read the catalogue anew first');
        try {
          if (slice.expired !== undefined) settleBooks();
          transaction(() => {
            chunkBook.apply(slice);
            if (slice.expired !== undefined) streamBook.writeExpired(seriesBook.writeExpired(slice.expired));
          });
          if (slice.expired !== undefined) streamBook.commit();
        } catch (error) {
          if (diskFaultOf((error as { code?: string }).code ?? '') !== null) retire();
          throw error;
        }
        walFrames += 1;
      },
      /** A run of retention begins: what comes from now on is looked at for the first of each series. */
      watchFirst(): void {
        settleBooks();
        seriesBook.watchFirst();
      },
      ends: () => ({ position, mark: chunkBook.mark, isUnsummed: readMeta(db, 'unsummed') !== undefined }),
      /** Everything sealed and counted leaves the log, replay or not; a part at a time: how many rows went. */
      dropReplay(): number {
        if (isRetired) throw new Error('an append failed before: read the catalogue anew first');
        settleBooks();
        let gone = 0;
        // written down first: only what a commit has counted may go
        if (seriesBook.isDirty) transaction(() => seriesBook.writeSlice(Date.now(), true));
        transaction(() => {
          gone = chunkBook.trim(Math.min(chunkBook.mark, seriesBook.countedTo), TRIM_ROWS);
        });
        walFrames += 1;
        return gone;
      },
      /** Of a device whose readings are gone: its refused records go, a part at a time, and its latest values. True: there is more. */
      forget(device: string): boolean {
        if (isRetired) throw new Error('an append failed before: read the catalogue anew first');
        settleBooks();
        let rows = 0;
        try {
          transaction(() => {
            const discarded = quarantine.discardSome(device);
            rows = discarded.rows;
            streamBook.writeDepartures(discarded.departures);
            if (rows === 0) seriesBook.forget(device);
          });
        } catch (error) {
          // what is in memory may be ahead of the disk
          retire();
          throw error;
        }
        streamBook.commit();
        walFrames += 1;
        return rows > 0;
      },
      /** Gives some free pages back to the file system; how many are left. */
      giveBack: () => (isRetired ? 0 : giveBack()),
      beginCopy: (to: string): void => copy.begin(to),
      copyState: () => copy.state(),
      copySynced: (pages: number): void => copy.synced(pages),
      stopCopy: (): void => copy.stop(),
      /** Writes all of the log's pages into the database. */
      settleWal(): void {
        meter.checkpoint('TRUNCATE');
      },
      catalogue(device: string | null): Catalogue {
        settleBooks();
        return { store, position, series: seriesBook.states(device ?? undefined), streams: streamBook.states(device ?? undefined) };
      },
      close(): void {
        settleBooks();
        clearInterval(housekeeping);
        if (seriesBook.isDirty && !isRetired) transaction(() => seriesBook.writeSlice(Date.now(), true));
        db.close();
        afterAnswer = () => undefined;
      },
    },
  };
}

function readMeta(db: Database.Database, key: string): string | undefined {
  return db.prepare('SELECT content FROM meta WHERE key = ?').pluck().get(key) as string | undefined;
}

function incarnation(db: Database.Database): string {
  const known = readMeta(db, 'store');
  if (known !== undefined) return known;
  const fresh = randomBytes(8).toString('hex');
  db.prepare(`INSERT INTO meta(key, content) VALUES ('store', ?)`).run(fresh);
  return fresh;
}
