// Work on the databases as a whole: compact, verify and back up, each one at a time, by whoever asks or by the schedule.

import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { UpkeepBook } from './api/upkeep-book.ts';
import { type BackupShelf, openBackupShelf } from './backup-shelf.ts';
import type { Config } from './config.ts';
import { EXIT, Failure, sentenceOf } from './failure.ts';
import { syncFolder } from './folder-sync.ts';
import type { Refusal } from './identity/identity.ts';
import type { Observe } from './observe.ts';
import type { EventType } from './protocol/event-types.ts';
import type { UpkeepNews } from './protocol/rest.ts';
import { type BackedUp, writeBackup } from './storage/backup-file.ts';
import { fullBelowBytes, type ReadVolume } from './storage/disk-watch.ts';
import type { SqliteStore } from './storage/sqlite-store.ts';
import { verifyStore } from './storage/verify-store.ts';
import { newsOf, type Tell } from './upkeep-news.ts';

export interface UpkeepDesk extends UpkeepBook {
  /** Makes backups by `backup.every` from now on. */
  startSchedule(): void;
  /** Looks at once by what `backup` says now. */
  reschedule(): void;
  /** Why the newest backup into the folder of the schedule failed; null once one was made. */
  backupFault(): string | null;
  /** Ends what is under way, but for a compaction, which ends with the store. Idempotent. */
  close(): void;
}
export interface UpkeepOptions {
  readonly config: Config;
  /** As it is at the moment. */
  readonly backup: () => Config['backup'];
  readonly store: SqliteStore;
  readonly file: string;
  readonly registryFile: string;
  readonly version: string;
  readonly readVolume: ReadVolume;
  readonly observe: Observe;
  recordEvent(event: { type: EventType; reason: string; detail: object }): void;
}

const LOOK_MS = 20_000;
/** After a backup that failed, or less where they are made more often. */
const AGAIN_MS = 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export function createUpkeepDesk({ config, backup: plan, store, observe, readVolume, ...options }: UpkeepOptions): UpkeepDesk {
  const { log } = observe;
  const { file, registryFile } = options;
  const shelfOf = (backup: Config['backup']): BackupShelf =>
    openBackupShelf(backup.dir === '' ? resolve(config.data, 'backups') : backup.dir);
  const everyMsOf = (backup: Config['backup']): number | null =>
    backup.every === 'never' ? null : Number(backup.every.slice(0, -1)) * (UNIT_MS[backup.every.slice(-1)] as number);
  const made = observe.counterBy('fieldgate_backups_total', 'Backups, by how they ended.', 'outcome');
  let newestAtMs = Number.NaN;
  observe.gauge(
    'fieldgate_backup_age_seconds',
    'Since the newest backup in backup.dir; NaN while there is none.',
    () => (Date.now() - newestAtMs) / 1000,
  );

  const running = new Set<string>();
  const stops = new Set<AbortController>();
  let timer: NodeJS.Timeout | null = null;
  let notBeforeMs = 0;
  let isClosed = false;
  let shelveFault: string | null = null;

  /** Null while the same work is under way. */
  function begin(name: string): { signal: AbortSignal; stop(): void; end(): void } | null {
    if (running.has(name) || isClosed) return null;
    running.add(name);
    const abort = new AbortController();
    stops.add(abort);
    const end = (): void => {
      running.delete(name);
      stops.delete(abort);
    };
    return { signal: abort.signal, stop: () => abort.abort(), end };
  }

  function start(name: string, isEndedByLeaving: boolean, work: (tell: Tell, signal: AbortSignal) => Promise<UpkeepNews>) {
    const begun = begin(name);
    if (begun === null) return { refused: isClosed ? 'draining' : 'upkeep-running' } satisfies Refusal;
    return newsOf((tell) => work(tell, begun.signal).finally(begun.end), {
      onFailed: (error) => log.error({ err: error }, `fieldgate ${name} failed`),
      ...(isEndedByLeaving && { onLeft: begun.stop }),
    });
  }

  /** A backup that fails is counted and told, wherever it failed. */
  async function told<T>(signal: AbortSignal, work: () => Promise<T>, isOfSchedule: boolean): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) {
        made.add('failed');
        if (isOfSchedule) shelveFault = sentenceOf(error);
        options.recordEvent({ type: 'backup-failed', reason: 'failed', detail: { message: sentenceOf(error) } });
      }
      throw error;
    }
  }
  async function makeBackup(target: string, tell: Tell, signal: AbortSignal): Promise<BackedUp> {
    const volume = await readVolume(dirname(target));
    const needed = statSync(file).size + statSync(registryFile).size;
    const kept = fullBelowBytes(config.store.minFreeBytes, volume);
    if (volume.freeBytes - needed < kept)
      throw new Failure(
        EXIT.io,
        `${target}: ${needed} bytes are needed beside ${kept} that stay free, and there are ${volume.freeBytes}: make room, or name another disk`,
      );
    const progress = (doing: string, left: number | null): void => tell({ type: 'progress', doing, left });
    const { version } = options;
    const done = await writeBackup({ file: target, store, registryFile, version, progress, syncFolder, signal });
    made.add('made');
    log.info({ file: target, ...done }, 'A backup was made and verified');
    return done;
  }
  /** Into the folder of the schedule, where too old ones make room. */
  async function shelve(tell: Tell, signal: AbortSignal): Promise<UpkeepNews> {
    const backup = plan();
    const shelf = shelfOf(backup);
    const target = shelf.place(Date.now());
    const done = await makeBackup(target, tell, signal);
    newestAtMs = Date.now();
    shelveFault = null;
    const gone = await shelf.tidy(backup.keep);
    if (gone.length > 0) log.info({ files: gone }, 'Older backups were taken away');
    return { type: 'backed-up', file: target, ...done };
  }

  /** Makes one when it is time. */
  async function look(signal: AbortSignal): Promise<void> {
    const nowMs = Date.now();
    const everyMs = everyMsOf(plan());
    const newest = (await shelfOf(plan()).list())[0]?.madeAtMs;
    newestAtMs = newest ?? Number.NaN;
    // one from the future was made by a clock that was wrong
    const isDue = newest === undefined || newest > nowMs || nowMs - newest >= (everyMs ?? Number.POSITIVE_INFINITY);
    if (everyMs !== null && isDue) await shelve(() => undefined, signal);
  }
  function turn(): void {
    if (Date.now() < notBeforeMs) return;
    const begun = begin('backup');
    if (begun === null) return;
    told(begun.signal, () => look(begun.signal), true)
      .catch((error: unknown) => {
        notBeforeMs = Date.now() + Math.min(AGAIN_MS, everyMsOf(plan()) ?? AGAIN_MS);
        if (!isClosed) log.error({ err: error }, 'The backup by schedule failed and is tried again later');
      })
      .finally(begun.end);
  }

  return {
    compact: () =>
      start('compact', false, async (tell) => {
        const done = await store.compact(({ doing, left }) => tell({ type: 'progress', doing, left }));
        return { type: 'compacted', readings: done.readings, bytes: done.bytes };
      }),
    verify: () =>
      start('verify', true, async (tell, signal) => {
        const progress = (doing: string, left: number | null): void => tell({ type: 'progress', doing, left });
        const found = (finding: Parameters<Parameters<typeof verifyStore>[0]['found']>[0]): void => tell({ type: 'found', finding });
        return { type: 'verified', ...(await verifyStore({ file, registryFile, store, progress, found, signal })) };
      }),
    async backup(target) {
      if (target === null) return start('backup', false, (tell, signal) => told(signal, () => shelve(tell, signal), true));
      if (!isAbsolute(target)) return { refused: 'bad-backup', detail: `${target} is no absolute path` };
      if (existsSync(target)) return { refused: 'bad-backup', detail: `${target} is there already: name another file` };
      if (!existsSync(dirname(target))) return { refused: 'bad-backup', detail: `there is no folder ${dirname(target)}: make it first` };
      return start('backup', true, async (tell, signal) => {
        const done = await told(signal, () => makeBackup(target, tell, signal), false);
        return { type: 'backed-up', file: target, ...done };
      });
    },
    backups: () => shelfOf(plan()).list(),
    startSchedule() {
      timer ??= setInterval(turn, LOOK_MS);
      turn();
    },
    reschedule() {
      notBeforeMs = 0;
      if (timer !== null && !isClosed) turn();
    },
    backupFault: () => shelveFault,
    close() {
      isClosed = true;
      if (timer !== null) clearInterval(timer);
      for (const abort of stops) abort.abort();
    },
  };
}
