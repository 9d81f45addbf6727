// The books of each stream: what is settled, and what became of the frames. Written in the transaction that stores the readings.

import type Database from 'better-sqlite3';
import { packCounts } from './frame-run.ts';
import type { Departures } from './quarantine-book.ts';
import type { Batch, StreamState } from './store.ts';

/** Runs an INSERT statement. */
const RUNS = 16;
const RUN_CELLS = 8;

type Mutable = { -readonly [K in keyof StreamState]: StreamState[K] };

export interface StreamBook {
  /** Inside the transaction of `batch`, whose readings follow `position`; `departures` are the rows that left quarantine in it. */
  write(batch: Batch, position: number, departures: Departures): void;
  /** Inside a transaction without a batch. */
  writeDepartures(departures: Departures): void;
  /** Inside a transaction without a batch: readings that are gone, by device. Chunks know no streams: a device's oldest streams bear it. */
  writeExpired(expired: ReadonlyMap<string, number>): void;
  /** After the commit: the new state becomes what `states` tells. */
  commit(): void;
  states(device: string | undefined): StreamState[];
}

export function openStreamBook(db: Database.Database): StreamBook {
  const streams = new Map<number, Mutable>();
  for (const row of db.prepare('SELECT * FROM streams').iterate() as IterableIterator<Record<string, number | string>>) {
    streams.set(row.id as number, {
      id: row.id as number,
      device: row.device as string,
      stream: row.stream as string,
      createdAtUs: row.created_us as number,
      lastUsedAtUs: row.last_used_us as number,
      retired: row.retired === 1,
      acked: row.acked as number,
      bodyHash: row.body_hash as string,
      framesStored: row.frames_stored as number,
      framesQuarantined: row.frames_quarantined as number,
      framesGap: row.frames_gap as number,
      readings: row.readings as number,
      refused: row.refused as number,
      expired: row.expired as number,
      evicted: row.evicted as number,
      discarded: row.discarded as number,
    });
  }
  const insert = db.prepare('INSERT INTO streams(id, device, stream, created_us, last_used_us) VALUES (?, ?, ?, ?, ?)');
  const update = db.prepare(
    `UPDATE streams SET acked=?, body_hash=?, frames_stored=?, frames_quarantined=?, frames_gap=?, readings=?, refused=?, evicted=?, discarded=?, last_used_us=?,
     retired=? WHERE id=?`,
  );
  /** For the many that were fed whole frames and nothing else: half the columns. */
  const updateFed = db.prepare('UPDATE streams SET acked=?, frames_stored=?, readings=?, last_used_us=? WHERE id=?');
  const updateExpired = db.prepare('UPDATE streams SET expired = ? WHERE id = ?');
  const RUN = 'INSERT INTO frames(stream, first_seq, last_seq, first_position, readings, refused, received_us, counts) VALUES ';
  const insertRun = db.prepare(`${RUN}(?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertRuns = db.prepare(`${RUN}${Array(RUNS).fill('(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}`);
  let cells: unknown[] = [];
  const insertGap = db.prepare('INSERT INTO gaps(stream, first_seq, last_seq, reason, declared_us) VALUES (?, ?, ?, ?, ?)');
  /** New states of the transaction under way; dropped when it fails. */
  let pending = new Map<number, Mutable>();

  const touch = (id: number): Mutable => {
    let state = pending.get(id);
    if (state === undefined) {
      const known = streams.get(id);
      if (known === undefined) throw new Error(`stream ${id} is not known`);
      state = { ...known };
      pending.set(id, state);
    }
    return state;
  };

  function writeFrames(batch: Batch, position: number): void {
    let at = position + 1;
    for (let f = 0; f < batch.frames; ) {
      const first = f;
      const id = batch.frameStream[f];
      const state = touch(id);
      let readings = 0;
      let refused = 0;
      let isEven = true;
      do {
        const stored = batch.frameReadings[f];
        if (stored > 0) state.framesStored++;
        else state.framesQuarantined++;
        if (stored !== batch.frameReadings[first]) isEven = false;
        readings += stored;
        refused += batch.frameRefused[f];
        f++;
      } while (f < batch.frames && isNextOfRun(batch, f));
      const counts = isEven && readings > 0 ? null : packCounts(batch.frameReadings, first, f);
      const received = batch.frameReceivedUs[first];
      cells.push(id, batch.frameSeq[first], batch.frameSeq[f - 1], at, readings, refused, received, counts);
      if (cells.length === RUNS * RUN_CELLS) {
        insertRuns.run(cells);
        cells = [];
      }
      state.readings += readings;
      state.refused += refused;
      state.lastUsedAtUs = received;
      at += readings;
    }
    for (let c = 0; c < cells.length; c += RUN_CELLS) insertRun.run(cells.slice(c, c + RUN_CELLS));
    cells = [];
  }
  /** Same stream, next seq, and the same receipt: the latest rule needs each reading's own after a crash. */
  function isNextOfRun(batch: Batch, f: number): boolean {
    return (
      batch.frameStream[f] === batch.frameStream[f - 1] &&
      batch.frameSeq[f] === batch.frameSeq[f - 1] + 1 &&
      batch.frameReceivedUs[f] === batch.frameReceivedUs[f - 1]
    );
  }

  function writeWhole(s: StreamState): void {
    const { acked, bodyHash, framesStored, framesQuarantined, framesGap, readings, refused, evicted, discarded, lastUsedAtUs, id } = s;
    const frames = [framesStored, framesQuarantined, framesGap];
    update.run(acked, bodyHash, ...frames, readings, refused, evicted, discarded, lastUsedAtUs, s.retired ? 1 : 0, id);
  }
  function isOnlyFed(before: StreamState, now: StreamState): boolean {
    return (
      before.framesQuarantined === now.framesQuarantined &&
      before.framesGap === now.framesGap &&
      before.refused === now.refused &&
      before.evicted === now.evicted &&
      before.discarded === now.discarded &&
      before.bodyHash === now.bodyHash &&
      before.retired === now.retired
    );
  }

  function depart(departures: Departures): void {
    for (const [id, { evicted, discarded }] of departures) {
      const state = touch(id);
      state.evicted += evicted;
      state.discarded += discarded;
    }
  }

  return {
    write(batch, position, departures) {
      pending = new Map();
      cells = [];
      for (const row of batch.newStreams) {
        insert.run(row.id, row.device, row.stream, row.createdAtUs, row.createdAtUs);
        pending.set(row.id, {
          ...row,
          acked: 0,
          bodyHash: '',
          framesStored: 0,
          framesQuarantined: 0,
          framesGap: 0,
          readings: 0,
          refused: 0,
          expired: 0,
          evicted: 0,
          discarded: 0,
          lastUsedAtUs: row.createdAtUs,
          retired: false,
        });
      }
      writeFrames(batch, position);
      for (const gap of batch.gaps) {
        insertGap.run(gap.stream, gap.fromSeq, gap.toSeq, gap.reason, gap.declaredAtUs);
        touch(gap.stream).framesGap += gap.toSeq - gap.fromSeq + 1;
      }
      for (const id of batch.retiredStreams) touch(id).retired = true;
      for (const { stream, hash } of batch.bodyHashes) touch(stream).bodyHash = hash;
      for (let m = 0; m < batch.marks; m++) touch(batch.markStream[m]).acked = batch.markAcked[m];
      depart(departures);
      for (const [id, s] of pending) {
        const before = streams.get(id);
        if (before !== undefined && isOnlyFed(before, s)) updateFed.run(s.acked, s.framesStored, s.readings, s.lastUsedAtUs, id);
        else writeWhole(s);
      }
    },
    writeDepartures(departures) {
      pending = new Map();
      depart(departures);
      for (const state of pending.values()) writeWhole(state);
    },
    writeExpired(expired) {
      pending = new Map();
      const left = new Map(expired);
      for (const { id, device, readings, expired: before } of streams.values()) {
        const due = left.get(device) ?? 0;
        if (due === 0) continue;
        const some = Math.min(due, readings - before);
        if (some === 0) continue;
        left.set(device, due - some);
        const state = touch(id);
        state.expired += some;
        updateExpired.run(state.expired, id);
      }
    },
    commit() {
      for (const [id, state] of pending) streams.set(id, state);
      pending = new Map();
    },
    states(device) {
      return [...streams.values()].filter((state) => device === undefined || state.device === device);
    },
  };
}
