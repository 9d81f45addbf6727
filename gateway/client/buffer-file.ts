// The file of a send buffer on Node: `frames.log` in a folder of its own, held by one process at a time.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { BufferFile } from '../protocol/file-buffer.ts';
import { ClientFault } from './client-fault.ts';

/** Exit code: somebody else has it. */
const LOCKED = 75;

export interface OpenBufferFile extends BufferFile {
  close(): void;
}

/** Makes the folder where there is none. Throws `ClientFault` when another process has it. */
export function openBufferFile(folder: string): OpenBufferFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = hold(join(folder, 'lock'), folder);
  const path = join(folder, 'frames.log');
  const fresh = join(folder, 'frames.new');
  let file = openSync(path, 'a', 0o600);
  let isClosed = false;
  syncFolder(folder);

  return {
    read: () => readFileSync(path),
    append: (bytes) => writeWhole(file, bytes),
    truncate(bytes) {
      ftruncateSync(file, bytes);
      fsyncSync(file);
    },
    sync: () => fdatasyncSync(file),
    replace(bytes) {
      rmSync(fresh, { force: true });
      const next = openSync(fresh, 'a', 0o600);
      try {
        writeWhole(next, bytes);
        fsyncSync(next);
        renameSync(fresh, path);
      } catch (error) {
        closeSync(next);
        rmSync(fresh, { force: true });
        throw error;
      }
      closeSync(file);
      file = next;
      syncFolder(folder);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      closeSync(file);
      release();
    },
  };
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Two processes that number the same stream would each lose half of it. A lock whose holder is gone is taken over. */
function hold(path: string, folder: string): () => void {
  const own = `${process.pid} ${birthOf(process.pid)} ${randomBytes(6).toString('hex')}\n`;
  for (let isSecond = false; ; isSecond = true) {
    try {
      writeFileSync(path, own, { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', birth = ''] = readLock(path).split(' ');
      if (isSecond || (birth !== '' && birth === birthOf(Number(pid))))
        throw new ClientFault(`the buffer in ${folder} is in use by process ${pid}; give each process a folder of its own`, LOCKED);
      rmSync(path, { force: true });
    }
  }
  return () => {
    if (readLock(path) === own) rmSync(path, { force: true });
  };
}

function readLock(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A name for the process that no later process with the same number has: the boot and the tick in which it began; '' when there is none. */
function birthOf(pid: number): string {
  try {
    // The second field is the program's name in brackets, which may hold blanks and brackets; the 22nd is the start.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return '';
  }
}
