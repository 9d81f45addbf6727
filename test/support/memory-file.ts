// A buffer's file in memory, that can be full, fail to sync, or lose what was not synced.

import type { BufferFile } from '../../gateway/protocol/file-buffer.ts';

export interface MemoryFile extends BufferFile {
  bytes: Uint8Array;
  /** What a power cut would leave. */
  synced: Uint8Array;
  /** Beyond it an append writes what fits, and throws. */
  limitBytes: number;
  isSyncBroken: boolean;
  replaced: number;
}

export function createMemoryFile(bytes: Uint8Array = new Uint8Array(0)): MemoryFile {
  const file: MemoryFile = {
    bytes,
    synced: bytes,
    limitBytes: Number.POSITIVE_INFINITY,
    isSyncBroken: false,
    replaced: 0,
    read: () => file.bytes.slice(),
    append(more) {
      const room = Math.max(0, Math.min(more.length, file.limitBytes - file.bytes.length));
      // a plain array: the slices of a Buffer would share its memory
      file.bytes = new Uint8Array(Buffer.concat([file.bytes, more.subarray(0, room)]));
      if (room < more.length) throw new Error('ENOSPC: no space left on device');
    },
    truncate(length) {
      file.bytes = file.bytes.slice(0, length);
    },
    sync() {
      if (file.isSyncBroken) throw new Error('EIO: i/o error');
      file.synced = file.bytes;
    },
    replace(content) {
      if (content.length > file.limitBytes) throw new Error('ENOSPC: no space left on device');
      file.replaced++;
      file.bytes = content.slice();
      file.sync();
    },
  };
  return file;
}
