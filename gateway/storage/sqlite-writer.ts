// The one thread that writes readings. A batch is one transaction with full sync; the answer goes out before any housekeeping.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type Database from 'better-sqlite3';
import { openMigrated } from './migrate.ts';
import { openSeriesBook } from './series-book.ts';
import { type Batch, type Catalogue, KIND } from './store.ts';
import { openStreamBook } from './stream-book.ts';
import { serveThread } from './thread.ts';

export interface WriterData {
  readonly file: string;
  readonly walCheckpointBytes: number;
}

/** Rows an INSERT statement: half the cost a row of one at a time, and no better beyond 32 (measured). */
const ROWS = 32;
const FULL = 2;
const PAGE_BYTES = 8192;
const HOUSEKEEPING_MS = 2_000;

let afterAnswer: () => void = () => undefined;

serveThread<WriterData>(
  (data) => {
    const db = openMigrated({ file: data.file, migrationsDir: fileURLToPath(new URL('../../migrations/readings', import.meta.url)) });
    // checkpoints run after the answer, not inside a commit that devices wait for
    db.pragma('wal_autocheckpoint = 0');
    const store = openWriter(db, data.walCheckpointBytes);
    afterAnswer = store.afterAnswer;
    return store.handlers;
  },
  () => afterAnswer(),
);

function openWriter(db: Database.Database, walCheckpointBytes: number) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insert = db.prepare('INSERT INTO log(position, series, time_us, value) VALUES (?, ?, ?, ?)');
  const insertMany = db.prepare(`INSERT INTO log(position, series, time_us, value) VALUES ${Array(ROWS).fill('(?, ?, ?, ?)').join(', ')}`);
  const insertSeries = db.prepare('INSERT INTO series(id, device, metric, unit) VALUES (?, ?, ?, ?)');
  const insertQuarantine = db.prepare(
    'INSERT INTO quarantine(device, stream, seq, record, code, message, raw, received_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertEvent = db.prepare('INSERT INTO events(at_us, device, type, reason, detail) VALUES (?, ?, ?, ?, ?)');

  const store = incarnation(db);
  let position = (db.prepare('SELECT max(position) FROM log').pluck().get() as number | null) ?? 0;
  position = Math.max(position, Number(readMeta(db, 'position') ?? 0));
  const setPosition = db.prepare(`INSERT OR REPLACE INTO meta(key, content) VALUES ('position', ?)`);
  const seriesBook = openSeriesBook(db, position);
  const streamBook = openStreamBook(db);
  const cells: unknown[] = new Array(ROWS * 4);
  let isSyncChecked = false;
  let walFrames = 0;
  let uncounted: { batch: Batch; position: number } | null = null;

  const housekeeping = setInterval(() => {
    if (!seriesBook.isDirty) return;
    try {
      transaction(() => seriesBook.writeSlice(Date.now(), false));
    } catch {
      // a full disk or a foreign lock: the slice is kept and tried again at the next turn; appends tell of the trouble
    }
  }, HOUSEKEEPING_MS);

  function transaction(work: () => void): void {
    begin.run();
    try {
      work();
      commit.run();
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      seriesBook.sliceDone(false);
      throw error;
    }
    seriesBook.sliceDone(true);
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

  function append(batch: Batch): number {
    settleBooks();
    transaction(() => {
      seriesBook.writeSlice(Date.now(), false);
      for (const row of batch.newSeries) insertSeries.run(row.id, row.device, row.metric, row.unit);
      insertReadings(batch);
      streamBook.write(batch, position);
      for (const q of batch.quarantine) insertQuarantine.run(q.device, q.stream, q.seq, q.index, q.code, q.message, q.raw, q.receivedAtUs);
      for (const e of batch.events) insertEvent.run(e.atUs, e.device, e.type, e.reason, e.detail);
      if (batch.count > 0) setPosition.run(position + batch.count);
    });
    streamBook.commit(batch);
    position += batch.count;
    uncounted = { batch, position };
    walFrames += 1;
    return position;
  }

  /** What the answer need not wait for, but everything later does. */
  function settleBooks(): void {
    if (uncounted === null) return;
    for (const row of uncounted.batch.newSeries) seriesBook.add(row);
    seriesBook.count(uncounted.batch, uncounted.position);
    uncounted = null;
  }

  function checkpointWhenDue(): void {
    if (walFrames < 8) return;
    walFrames = 0;
    try {
      const [state] = db.pragma('wal_checkpoint(NOOP)') as { log: number }[];
      if (state.log * PAGE_BYTES >= walCheckpointBytes) db.pragma('wal_checkpoint(PASSIVE)');
    } catch {
      // the log stays as it is and is looked at again some commits later
    }
  }

  return {
    afterAnswer(): void {
      settleBooks();
      checkpointWhenDue();
    },
    handlers: {
      append,
      catalogue(device: string | null): Catalogue {
        settleBooks();
        return { store, position, series: seriesBook.states(device ?? undefined), streams: streamBook.states(device ?? undefined) };
      },
      close(): void {
        settleBooks();
        clearInterval(housekeeping);
        if (seriesBook.isDirty) transaction(() => seriesBook.writeSlice(Date.now(), true));
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
