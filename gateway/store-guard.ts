// Watches over storing: pauses the ingest while the disk is full, and says in words what is wrong and what mends it.

import { stat } from 'node:fs/promises';
import type { Ingest } from './ingest/ingest.ts';
import type { StoreTrouble } from './ingest/recovery.ts';
import type { Observe } from './observe.ts';
import type { StorageView } from './protocol/rest.ts';
import { type DiskWatch, openDiskWatch, type ReadVolume, type Room } from './storage/disk-watch.ts';
import type { SqliteStore } from './storage/sqlite-store.ts';

export interface StoreGuard {
  view(): StorageView;
  /** Its size while the write-ahead log is larger than it should be; null else. */
  largeWalBytes(): number | null;
  close(): void;
}
export interface StoreGuardOptions {
  readonly folder: string;
  /** The readings' database. */
  readonly file: string;
  readonly minFreeBytes: number | 'auto';
  readonly readVolume: ReadVolume;
  readonly ingest: Pick<Ingest, 'pause' | 'resume' | 'trouble' | 'recordEvent'>;
  readonly store: Pick<SqliteStore, 'holdSealing'>;
  readonly observe: Observe;
}

const MIB = 1024 * 1024;
const WAL_ALARM_BYTES = 256 * MIB;
const WAL_LOOK_MS = 5_000;

/** Has looked at the disk once when it resolves. */
export async function openStoreGuard({
  folder,
  file,
  minFreeBytes,
  readVolume,
  ingest,
  store,
  observe,
}: StoreGuardOptions): Promise<StoreGuard> {
  const { log } = observe;
  let isAlarmed = false;
  let walBytes = 0;

  const disk = await openDiskWatch({
    folder,
    minFreeBytes,
    readVolume,
    onRoom,
    onError: (error) => log.warn({ err: error }, 'The free space of the data directory cannot be read'),
  });

  /** Called from the first look on, when `disk` is not there yet. */
  function onRoom(room: Room, before: Room, { freeBytes, fullBelowBytes }: { freeBytes: number; fullBelowBytes: number }): void {
    const facts = { freeBytes, minFreeBytes: fullBelowBytes };
    if (room === 'full') {
      log.error(facts, 'The disk is full: nothing is stored or acknowledged until there is room again; devices wait, reading goes on');
      // put down by the last commit before the pause
      ingest.recordEvent({ type: 'disk-full', reason: 'paused', detail: facts });
      ingest.pause();
      // chunks would be written beside the rows that they stand for, out of the room that is kept for the last commits; retention, which
      // makes room, goes on
      store.holdSealing(true);
    } else if (before === 'full') {
      log.info(facts, 'There is room on the disk again: storing goes on');
      ingest.recordEvent({ type: 'disk-freed', reason: 'resumed', detail: facts });
      ingest.resume();
      store.holdSealing(false);
    } else if (room === 'low') {
      log.warn(facts, 'The disk fills up: storing stops when half of what is left is used');
      ingest.recordEvent({ type: 'disk-low', reason: 'warning', detail: facts });
    }
  }

  async function lookAtWal(): Promise<void> {
    const size = await stat(`${file}-wal`).then(
      (found) => found.size,
      () => 0,
    );
    walBytes = size;
    if (size > WAL_ALARM_BYTES !== isAlarmed) {
      isAlarmed = !isAlarmed;
      if (isAlarmed) log.warn({ walBytes: size }, 'The write-ahead log is large: does another program keep the database open?');
    }
  }
  const timer = setInterval(() => void lookAtWal(), WAL_LOOK_MS);

  observe.gauge('fieldgate_disk_free_bytes', 'Free on the volume of the data directory.', () => disk.freeBytes ?? Number.NaN);
  observe.gauge('fieldgate_disk_min_free_bytes', 'Below it nothing is stored.', () => disk.fullBelowBytes);
  observe.gauge('fieldgate_storing', '1 while readings can be stored and acknowledged.', () =>
    disk.room === 'full' || ingest.trouble() !== null ? 0 : 1,
  );
  observe.gauge('fieldgate_wal_bytes', "The write-ahead log of the readings' database.", () => walBytes);

  return {
    view: () => storageView(disk, ingest.trouble()),
    largeWalBytes: () => (isAlarmed ? walBytes : null),
    close() {
      clearInterval(timer);
      disk.close();
    },
  };
}

function storageView(disk: DiskWatch, trouble: StoreTrouble | null): StorageView {
  const { freeBytes, room } = disk;
  const mib = (bytes: number): string => (bytes / MIB < 10 ? (bytes / MIB).toFixed(1) : String(Math.round(bytes / MIB)));
  const free = `${mib(freeBytes ?? 0)} MiB are free on the volume of the data directory`;
  if (room === 'full')
    return {
      state: 'paused',
      message:
        `Only ${free}; below ${mib(disk.fullBelowBytes)} MiB nothing is stored. Devices wait and lose nothing. Make room there: ` +
        `from ${mib(disk.resumeAboveBytes)} MiB on it goes on by itself. (The limit is store.minFreeBytes.)`,
      freeBytes,
    };
  if (trouble !== null) return { state: 'failed', message: TROUBLE_WORDS[trouble.fault](trouble.error), freeBytes };
  if (room === 'low')
    return { state: 'low', message: `${free}; below ${mib(disk.fullBelowBytes)} MiB storing stops. Make room there.`, freeBytes };
  return { state: 'storing', message: '', freeBytes };
}

const GOES_ON = 'It is tried again every few seconds, and goes on by itself; devices keep what was not acknowledged.';

const TROUBLE_WORDS: Readonly<Record<StoreTrouble['fault'], (error: string) => string>> = {
  full: (error) => `The disk took no more (${error}): make room on the volume of the data directory, or lift its quota. ${GOES_ON}`,
  'read-only': (error) =>
    `The data directory cannot be written (${error}): the volume may have been mounted read-only after an error (dmesg, mount), or the files belong to another user. ${GOES_ON}`,
  failing: (error) => `The disk fails (${error}): look at dmesg, the cable and the card. ${GOES_ON}`,
  damaged: (error) =>
    `The database is damaged (${error}) and nothing is written to it any more. Stop the gateway, keep a copy of the data directory, and put the database back from a backup.`,
  broken: (error) => `The database could not be written (${error}); the log has the details. ${GOES_ON}`,
};
