// What is in quarantine and how much of it a device may keep: oldest of the same device first, and when all of it is too much, the oldest of
// the device that has the most, so that nobody's evidence goes because of another. Sizes are kept in memory; nothing is summed at a commit.

import type Database from 'better-sqlite3';
import type { Batch } from './store.ts';

/** In bytes: of one device, and of all together. */
export interface QuarantineBounds {
  readonly quarantineDeviceBytes: number;
  readonly quarantineBytes: number;
}
/** Rows of settled frames that left, by stream. */
export interface Departed {
  evicted: number;
  discarded: number;
}
export type Departures = ReadonlyMap<number, Departed>;

export interface QuarantineBook {
  /** Inside the transaction of `batch`. */
  write(batch: Batch): Departures;
  /** Inside a transaction of its own: some rows of a device that is purged; none are left when nothing departs. */
  discardSome(device: string): { readonly departures: Departures; readonly rows: number };
  /** Inside a transaction of its own: a step of what a commit did not get done. */
  evictSome(): Departures;
  /** After the transaction. */
  done(isCommitted: boolean): void;
  readonly isOver: boolean;
  /** Rows evicted by what was committed since it was last asked. */
  takeEvicted(): number;
}

/** What a row takes beside its texts, about; the migration that brought the column says the same. */
const ROW_BYTES = 128;
/** Rows evicted in one commit beside as many as it brings: devices wait for it. */
const STEP_ROWS = 1_000;
const SOME = 64;
/** Rows an INSERT statement: a frame can bring a thousand. */
const ROWS = 16;
const ROW_CELLS = 11;
const NONE: Departures = new Map();

type Row = [id: number, stream: number, seq: number, bytes: number];

export function openQuarantineBook(db: Database.Database, bounds: QuarantineBounds): QuarantineBook {
  const held = new Map<string, number>();
  let total = 0;
  const sums = db.prepare('SELECT device, sum(bytes) FROM quarantine INDEXED BY quarantine_of_device GROUP BY device').raw();
  for (const [device, bytes] of sums.iterate() as IterableIterator<[string, number]>) {
    held.set(device, bytes);
    total += bytes;
  }
  const INSERT = 'INSERT INTO quarantine(device, stream, seq, record, code, message, raw, received_us, encoding, base, bytes) VALUES';
  const PLACES = `(${Array(ROW_CELLS).fill('?').join(', ')})`;
  const insert = db.prepare(`${INSERT} ${PLACES}`);
  const insertMany = db.prepare(`${INSERT} ${Array(ROWS).fill(PLACES).join(', ')}`);
  const markReplayed = db.prepare('UPDATE quarantine SET replayed_us = ? WHERE id = ? AND replayed_us IS NULL');
  const remove = db.prepare('DELETE FROM quarantine WHERE id = ?');
  const removeUpTo = db.prepare('DELETE FROM quarantine WHERE device = ? AND id <= ?');
  const find = db.prepare('SELECT device, stream, seq, bytes FROM quarantine WHERE id = ?').raw();
  const oldest = db
    .prepare('SELECT id, stream, seq, bytes FROM quarantine INDEXED BY quarantine_of_device WHERE device = ? ORDER BY id LIMIT ?')
    .raw();

  /** What the transaction under way has changed: sizes as they were, and departures so far. */
  let before = new Map<string, number>();
  let totalBefore = 0;
  let departures = new Map<number, Departed>();
  let evicting = 0;
  let evicted = 0;

  function begin(): void {
    before = new Map();
    totalBefore = total;
    departures = new Map();
    evicting = 0;
  }
  function resize(device: string, by: number): void {
    const bytes = held.get(device) ?? 0;
    if (!before.has(device)) before.set(device, bytes);
    if (bytes + by > 0) held.set(device, bytes + by);
    else held.delete(device);
    total += by;
  }
  /** The row itself is deleted by the caller. */
  function depart(device: string, [, stream, seq, bytes]: Row, how: keyof Departed): void {
    resize(device, -bytes);
    // a frame that could not be read is on no stream's books
    if (seq === 0) return;
    const departed = departures.get(stream) ?? { evicted: 0, discarded: 0 };
    departed[how]++;
    departures.set(stream, departed);
  }
  /** Oldest first, while `isOver` and at most `atMost`; returns how many. */
  function evict(device: string, atMost: number, isOver: () => boolean): number {
    let count = 0;
    while (count < atMost && isOver()) {
      const rows = oldest.all(device, Math.min(SOME, atMost - count)) as Row[];
      if (rows.length === 0) break;
      let last = 0;
      for (const row of rows) {
        if (!isOver()) break;
        depart(device, row, 'evicted');
        last = row[0];
        count++;
      }
      removeUpTo.run(device, last);
    }
    evicting += count;
    return count;
  }
  function bound(devices: Iterable<string>, atMost: number): void {
    let left = atMost;
    for (const device of devices) left -= evict(device, left, () => (held.get(device) ?? 0) > bounds.quarantineDeviceBytes);
    while (left > 0 && total > bounds.quarantineBytes) {
      const isOver = (): boolean => total > bounds.quarantineBytes;
      left -= evict(largest(), Math.min(SOME, left), isOver);
    }
  }
  function largest(): string {
    let most = '';
    let bytes = -1;
    for (const [device, size] of held) if (size > bytes) [most, bytes] = [device, size];
    return most;
  }
  const overDevices = (): string[] => [...held].filter(([, bytes]) => bytes > bounds.quarantineDeviceBytes).map(([device]) => device);

  return {
    write(batch) {
      const { quarantine, quarantineReplayed, quarantineDiscarded } = batch;
      if (quarantine.length === 0 && quarantineReplayed.length === 0 && quarantineDiscarded.length === 0) return NONE;
      begin();
      for (const { id, atUs } of quarantineReplayed) markReplayed.run(atUs, id);
      for (const id of quarantineDiscarded) {
        const [device, stream, seq, bytes] = (find.get(id) as [string, number, number, number] | undefined) ?? [];
        if (device === undefined) continue;
        remove.run(id);
        depart(device, [id, stream as number, seq as number, bytes as number], 'discarded');
      }
      const devices = new Set<string>();
      let cells: unknown[] = [];
      for (const q of quarantine) {
        const bytes = ROW_BYTES + Buffer.byteLength(q.raw) + Buffer.byteLength(q.base);
        cells.push(q.device, q.stream, q.seq, q.index, q.code, q.message, q.raw, q.receivedAtUs, q.encoding, q.base, bytes);
        resize(q.device, bytes);
        devices.add(q.device);
        if (cells.length < ROWS * ROW_CELLS) continue;
        insertMany.run(cells);
        cells = [];
      }
      for (let c = 0; c < cells.length; c += ROW_CELLS) insert.run(cells.slice(c, c + ROW_CELLS));
      bound(devices, STEP_ROWS + quarantine.length);
      return departures;
    },
    discardSome(device) {
      begin();
      const rows = oldest.all(device, STEP_ROWS) as Row[];
      for (const row of rows) depart(device, row, 'discarded');
      const last = rows.at(-1);
      if (last !== undefined) removeUpTo.run(device, last[0]);
      return { departures, rows: rows.length };
    },
    evictSome() {
      begin();
      bound(overDevices(), STEP_ROWS);
      return departures;
    },
    done(isCommitted) {
      if (isCommitted) evicted += evicting;
      else if (before.size > 0) {
        for (const [device, bytes] of before) {
          if (bytes > 0) held.set(device, bytes);
          else held.delete(device);
        }
        total = totalBefore;
      }
      evicting = 0;
      if (before.size > 0) before = new Map();
    },
    get isOver() {
      return total > bounds.quarantineBytes || overDevices().length > 0;
    },
    takeEvicted() {
      const rows = evicted;
      evicted = 0;
      return rows;
    },
  };
}
