// ReadingStore over SQLite: one writer thread, a few reader threads, this file between them and the network thread.

import { setTimeout as wait } from 'node:timers/promises';
import type { DamagedChunk } from './chunk-source.ts';
import type { CopyFacts, CopyState } from './store-copy.ts';
import { READERS } from './reader-memory.ts';
import { createRetention, type RetentionSettings } from './retention.ts';
import type { RetentionRule } from './retention-run.ts';
import type { SealSlice } from './seal-slice.ts';
import { createSealing, SEALING, type SealBounds } from './sealing.ts';
import type { Batch, Catalogue, DiskError, Queries, QueryName, ReadingStore, SinceResult } from './store.ts';
import type { Appended, Dropped, StoreBounds, WriterData } from './sqlite-writer.ts';
import { openThread, type Thread } from './thread.ts';
import type { Written } from './write-meter.ts';

export interface SqliteStoreOptions {
  readonly file: string;
  readonly walCheckpointBytes: number;
  readonly readers?: number;
  /** Left out: quarantine and events grow without bound. */
  readonly bounds?: StoreBounds;
  /** When the log is sealed and how much of it stays; left out: as `SEALING` says. */
  readonly sealing?: SealBounds;
  /** Told when a round of sealing broke off; it is tried again. */
  readonly onSealFailed?: (error: unknown) => void;
  /** What is let go when it is old or too much; left out: nothing. */
  readonly retention?: RetentionSettings;
  /** Told once of each chunk, or row of their index, that was found damaged; queries answer without it. */
  readonly onChunkDamaged?: (damaged: DamagedChunk) => void;
  /** Told how many rows went for room. */
  readonly onDropped?: (dropped: Dropped) => void;
  /** Told how the look through the database after an I/O error ended. */
  readonly onChecked?: (checked: StoreChecked) => void;
}
export interface StoreChecked {
  readonly ms: number;
  /** `unread`: the look itself failed on the disk. */
  readonly outcome: 'sound' | 'damaged' | 'unread';
  readonly detail: string;
}

const UNBOUNDED: StoreBounds = {
  quarantineDeviceBytes: Number.POSITIVE_INFINITY,
  quarantineBytes: Number.POSITIVE_INFINITY,
  eventDays: Number.POSITIVE_INFINITY,
  eventRows: Number.POSITIVE_INFINITY,
};
/** A sound database of some GiB takes longer: storing goes on meanwhile, and stops when the look finds damage. */
const CHECK_WAIT_MS = 3_000;
const COPY_LOOK_MS = 20;

interface Seat {
  reader: Thread;
  reopening: Promise<void> | null;
}
async function leave(seat: Seat): Promise<void> {
  await seat.reopening?.catch(() => undefined);
  await seat.reader.close();
}

/** What only a database of our own can do. */
export interface SqliteStore extends ReadingStore {
  /**
   * Seals what is there, drops the replay tail and gives the room back; in small steps, while everything else goes on. `progress` hears
   * what is being done and how much is left of it. Subscribers that resume from before it get a reset.
   */
  compact(progress: (step: CompactStep) => void): Promise<Compacted>;
  /** Lets go now what retention lets go; it does so by itself now and then. */
  retain(): Promise<void>;
  /** These rules hold from now on, and a run by them begins. */
  setRetention(rules: readonly RetentionRule[]): void;
  /**
   * Deletes all readings and refused records of these devices, which send nothing any more; tells how many readings went. Their books stay.
   * The replay tail goes for it: subscribers that resume from before it get a reset.
   */
  purge(devices: readonly string[]): Promise<number>;
  /** Makes a copy of this moment's end of the database in `file`, which is empty or not there, by steps between commits. `sync` puts what is in it on the disk. */
  copyTo(
    file: string,
    ask: { progress(copied: number, pages: number): void; sync(): Promise<void>; signal: AbortSignal },
  ): Promise<CopyFacts>;
  /** While held nothing is sealed but by `compact`: for a disk that is full. */
  holdSealing(isHeld: boolean): void;
  /** No chunk changes while `work` runs. */
  still<T>(work: () => Promise<T>): Promise<T>;
  /** Readings that are in no chunk yet. */
  unsealed(): number;
  /** Bytes that went to the disk since it was opened, by the engine's own counts; some seconds old. */
  written(): Written;
}
export interface CompactStep {
  readonly doing: 'sealing' | 'cutting anew' | 'dropping the replay tail' | 'giving room back';
  /** Readings, or pages. */
  readonly left: number;
}
export interface Compacted {
  readonly readings: number;
  readonly bytes: number;
}

/** Opens or creates the database; rejects when the file is not ours, newer than this version, or can't be written. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { file, walCheckpointBytes, readers = READERS, bounds = UNBOUNDED, onChecked, onDropped } = options;
  const sealing = options.sealing ?? SEALING;
  const writerData: WriterData = { file, walCheckpointBytes, bounds, replay: { rows: sealing.replayRows, ms: sealing.replayMs } };
  /** By writers that were replaced, and by the one that is there. */
  let writtenBefore: Written = { logBytes: 0, databaseBytes: 0 };
  let writtenNow = writtenBefore;
  const sumOf = (a: Written, b: Written): Written => ({
    logBytes: a.logBytes + b.logBytes,
    databaseBytes: a.databaseBytes + b.databaseBytes,
  });
  const openWriter = (): Promise<Thread> => {
    let isNews = true;
    return openThread(new URL('./sqlite-writer.ts', import.meta.url), writerData, (written: Written) => {
      if (isNews) writtenBefore = sumOf(writtenBefore, writtenNow);
      isNews = false;
      writtenNow = written;
    });
  };
  const openReader = (): Promise<Thread> => openThread(new URL('./sqlite-reader.ts', import.meta.url), { file }, setAside);
  // each thread finds it for itself
  const setAsides = new Set<string>();
  function setAside(damaged: DamagedChunk): void {
    const key = damaged.id === 0 ? `${damaged.series} ${damaged.startUs} ${damaged.endUs}` : String(damaged.id);
    if (setAsides.has(key)) return;
    setAsides.add(key);
    options.onChunkDamaged?.(damaged);
  }
  await using undo = new AsyncDisposableStack();
  let writer = await openWriter();
  undo.defer(() => writer.close());
  // readers open after the writer: it is the one that creates the tables
  const seats: Seat[] = [];
  undo.defer(async () => void (await Promise.all(seats.map(leave))));
  for (let i = 0; i < readers; i++) seats.push({ reader: await openReader(), reopening: null });
  let sealerThread: Thread | null = null;
  undo.defer(async () => sealerThread?.close());
  /** Opened when there is something to seal for the first time, and again when it has died. */
  async function sealer(): Promise<Thread> {
    if (sealerThread === null || sealerThread.hasEnded)
      sealerThread = await openThread(new URL('./sqlite-sealer.ts', import.meta.url), { file }, setAside);
    return sealerThread;
  }
  let checker: Thread | null = null;
  let checking: Promise<void> | null = null;
  undo.defer(async () => checker?.abandon());
  const closers = undo.move();
  let closing: Promise<void> | null = null;
  /** Why the writer may not be used again; null while it may. */
  let broken: (Error & Partial<DiskError>) | null = null;
  let damage: DiskError | null = null;
  let reopening: Promise<void> | null = null;

  /** The reader with the shortest queue; one that broke is replaced when it is its turn, by whoever comes first. */
  async function reader(): Promise<Thread> {
    const open = seats.filter((seat) => seat.reopening === null);
    const idlest = (open.length > 0 ? open : seats).reduce((best, seat) => (seat.reader.waiting < best.reader.waiting ? seat : best));
    if (!idlest.reader.hasEnded || closing !== null) return idlest.reader;
    idlest.reopening ??= replace(idlest).finally(() => {
      idlest.reopening = null;
    });
    await idlest.reopening;
    return idlest.reader;
  }
  async function replace(seat: Seat): Promise<void> {
    const fresh = await openReader();
    if (closing !== null) {
      fresh.abandon();
      throw new Error('the store is closed');
    }
    seat.reader = fresh;
  }

  /** A fresh connection: what the old one believes of the WAL is not to be trusted after a failed sync. Until it is there, the old answers. */
  async function reopen(why: Partial<DiskError>): Promise<void> {
    if (damage !== null) throw damage;
    const fresh = await openWriter(); // writes and syncs, or rejects
    const look = why.fault === 'full' || why.fault === 'read-only' ? null : check();
    if (look !== null) await Promise.race(why.fault === 'damaged' ? [look] : [look, wait(CHECK_WAIT_MS, undefined, { ref: false })]);
    if (damage !== null || closing !== null) {
      fresh.abandon();
      throw damage ?? new Error('the store is closed');
    }
    const old = writer;
    writer = fresh;
    broken = null;
    old.abandon();
  }

  /** One look at a time: who asks while it runs hears how that one ends. */
  function check(): Promise<void> {
    checking ??= lookThrough().finally(() => {
      checking = null;
    });
    return checking;
  }
  async function lookThrough(): Promise<void> {
    const startedMs = performance.now();
    let unread = '';
    try {
      checker = await openThread(new URL('./sqlite-check.ts', import.meta.url), { file });
      if (closing !== null) checker.abandon();
      const found = await checker.call<string | null>('check');
      if (found !== null) damage = Object.assign(new Error(found), { fault: 'damaged', code: 'SQLITE_CORRUPT' } as const);
    } catch (error) {
      // a place that can't be read today may be an old one: what comes can be stored all the same
      unread = (error as Error).message;
      if ((error as Partial<DiskError>).fault === 'damaged') damage = error as DiskError;
    }
    checker?.abandon();
    checker = null;
    if (closing !== null) return;
    const outcome = damage !== null ? 'damaged' : unread === '' ? 'sound' : 'unread';
    onChecked?.({ ms: Math.round(performance.now() - startedMs), outcome, detail: damage?.message ?? unread });
  }

  const ends = await writer.call<{ position: number; mark: number; isUnsummed: boolean }>('ends');
  const seals = createSealing({
    bounds: sealing,
    sealer,
    ...ends,
    store: storeSlice,
    onError: (error) => options.onSealFailed?.(error),
  });
  closers.defer(seals.close);
  const retention = createRetention({
    ...(options.retention ?? { rules: [] }),
    async expire(ask, told) {
      await writer.call('watchFirst');
      await seals.expire(ask, told);
    },
  });
  closers.defer(async () => retention.close());

  async function storeSlice(slice: SealSlice): Promise<void> {
    const refused = damage ?? broken;
    if (refused !== null) throw refused;
    const its = writer;
    try {
      await its.call('seal', slice);
    } catch (error) {
      // what the disk did to this one it would do to the next append
      if (its === writer && (error as Partial<DiskError>).fault !== undefined) broken ??= error as Error & Partial<DiskError>;
      throw error;
    }
  }

  return {
    async append(batch: Batch) {
      const refused = damage ?? broken;
      if (refused !== null) throw refused;
      try {
        const appended = await writer.call<Appended>('append', batch);
        const position = typeof appended === 'number' ? appended : appended.position;
        if (typeof appended !== 'number') onDropped?.(appended.dropped);
        seals.note(position);
        return position;
      } catch (error) {
        broken = error as Error & Partial<DiskError>;
        throw error;
      }
    },
    read: async <Q extends QueryName>(name: Q, ask: Queries[Q]['ask']) => (await reader()).call<Queries[Q]['answer']>(name, ask),
    since: async (position, series, limit) => (await reader()).call<SinceResult>('since', { position, series, limit }),
    async catalogue(device) {
      const why = broken ?? (writer.hasEnded ? {} : null);
      // who asks for all of it begins anew; a question about one device is a read, which the old writer can still answer
      if (why !== null && device === undefined && closing === null) {
        reopening ??= reopen(why).finally(() => {
          reopening = null;
        });
        await reopening;
      }
      return writer.call<Catalogue>('catalogue', device ?? null);
    },
    async copyTo(copy, { progress, sync, signal }) {
      const its = writer;
      await its.call('beginCopy', copy);
      try {
        for (;;) {
          const { pages, left, facts } = await its.call<CopyState>('copyState');
          progress(pages - left, pages);
          if (facts !== null) return facts;
          await sync();
          await its.call('copySynced', pages - left);
          await wait(COPY_LOOK_MS, undefined, { signal });
        }
      } catch (error) {
        if (!its.hasEnded) await its.call('stopCopy');
        throw error;
      }
    },
    retain: retention.run,
    setRetention: retention.replace,
    holdSealing: seals.hold,
    still: seals.still,
    unsealed: () => seals.behind,
    written: () => sumOf(writtenBefore, writtenNow),
    async purge(devices) {
      const { position } = await writer.call<{ position: number }>('ends');
      await seals.sealTo(position, () => undefined);
      while ((await writer.call<number>('dropReplay')) > 0);
      const rules = devices.map((device) => ({ device, metric: '*', rawMs: null, maxBytes: 0, summariesMs: 0 }));
      let readings = 0;
      await writer.call('watchFirst');
      await seals.expire({ rules, nowUs: Date.now() * 1000, isClockDoubtful: false }, (step) => (readings += step.readings));
      for (const device of devices) while (await writer.call<boolean>('forget', device));
      return readings;
    },
    async compact(progress) {
      const { position } = await writer.call<{ position: number }>('ends');
      await seals.sealTo(position, (upTo) => progress({ doing: 'sealing', left: position - upTo }));
      await seals.recut((left) => progress({ doing: 'cutting anew', left }));
      for (let left = position, gone = 1; gone > 0; left -= gone) {
        gone = await writer.call<number>('dropReplay');
        progress({ doing: 'dropping the replay tail', left });
      }
      for (let left = 1, before = 0; left > 0 && left !== before; ) {
        before = left;
        left = await writer.call<number>('giveBack');
        progress({ doing: 'giving room back', left });
      }
      await writer.call('settleWal');
      return (await reader()).call<Compacted>('size', {});
    },
    close() {
      closing ??= closers.disposeAsync();
      return closing;
    },
  };
}
