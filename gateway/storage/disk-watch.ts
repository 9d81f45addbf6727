// How much room is left on the volume of the data directory, in three words. Looked at every second, ten times as often when it runs short.

import { statfs } from 'node:fs/promises';

export interface Volume {
  readonly freeBytes: number;
  readonly totalBytes: number;
}
export type ReadVolume = (folder: string) => Promise<Volume>;
/** `full`: nothing may be stored. `low`: twice that is not free any more. */
export type Room = 'ample' | 'low' | 'full';

export interface DiskWatch {
  readonly room: Room;
  /** Null as long as the volume could not be asked. */
  readonly freeBytes: number | null;
  readonly fullBelowBytes: number;
  readonly resumeAboveBytes: number;
  close(): void;
}
export interface DiskWatchOptions {
  readonly folder: string;
  /** 0: never full. `auto`: 256 MiB, but at most a tenth of the volume. */
  readonly minFreeBytes: number | 'auto';
  readonly readVolume: ReadVolume;
  readonly onRoom: (room: Room, before: Room, facts: { readonly freeBytes: number; readonly fullBelowBytes: number }) => void;
  readonly onError: (error: unknown) => void;
}

const AUTO_BYTES = 256 * 1024 * 1024;
const AUTO_SHARE = 0.1;
const WARN_AT = 2;
const RESUME_AT = 1.5;
/** The warning is over a little above where it began, so that it does not come and go. */
const CALM_AT = 2.5;
const LOOK_MS = 1000;
const CLOSE_LOOK_MS = 100;
/** Below this many times the limit, a second is enough for a busy gateway to fill the rest. */
const CLOSE_LOOK_AT = 4;

/** What this user may still write; the system keeps some for root. */
export const readVolume: ReadVolume = async (folder) => {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
};

export function fullBelowBytes(minFreeBytes: number | 'auto', { totalBytes }: Volume): number {
  return minFreeBytes === 'auto' ? Math.floor(Math.min(AUTO_BYTES, totalBytes * AUTO_SHARE)) : minFreeBytes;
}

/** Has looked once when it resolves; `onRoom` is told of changes from `ample`, that first one included. */
export async function openDiskWatch({ folder, minFreeBytes, readVolume: read, onRoom, onError }: DiskWatchOptions): Promise<DiskWatch> {
  let room: Room = 'ample';
  let freeBytes: number | null = null;
  let limit = minFreeBytes === 'auto' ? AUTO_BYTES : minFreeBytes;
  let hasFailed = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    try {
      const volume = await read(folder);
      freeBytes = volume.freeBytes;
      limit = fullBelowBytes(minFreeBytes, volume);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) onError(error);
      hasFailed = true;
    }
    if (isClosed) return;
    const before = room;
    if (freeBytes !== null) {
      room = roomOf(freeBytes, limit, before);
      if (room !== before) onRoom(room, before, { freeBytes, fullBelowBytes: limit });
    }
    timer = setTimeout(() => void look(), (freeBytes ?? 0) < limit * CLOSE_LOOK_AT ? CLOSE_LOOK_MS : LOOK_MS);
  }

  await look();
  return {
    get room() {
      return room;
    },
    get freeBytes() {
      return freeBytes;
    },
    get fullBelowBytes() {
      return limit;
    },
    get resumeAboveBytes() {
      return limit * RESUME_AT;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function roomOf(free: number, limit: number, before: Room): Room {
  if (free < limit || (before === 'full' && free < limit * RESUME_AT)) return 'full';
  if (free < limit * WARN_AT || (before !== 'ample' && free < limit * CALM_AT)) return 'low';
  return 'ample';
}
