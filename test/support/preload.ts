// The preloaded library for a gateway as a child: a journal of what it does to its files, calls that fail, another wall clock. Compiled on
// demand from test/support/preload/*.c; the layouts of the two shared files are those of preload.h.

import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { constants, endianness, tmpdir } from 'node:os';
import { join } from 'node:path';

export type FaultKind = 'write' | 'sync' | 'open' | 'change';
export interface Fault {
  /** `open`: opening for writing; `change`: truncate, rename, unlink, mkdir. */
  readonly kinds: readonly FaultKind[];
  readonly error: 'EIO' | 'ENOSPC' | 'EROFS';
  /** The calls that fail, counted from 1 from now on; all from `from` on when `to` is left out. */
  readonly from: number;
  readonly to?: number;
  /** Only files whose path below the directory has this in it, or (after `=`) is this. */
  readonly only?: string;
}

export interface Preload extends Disposable {
  /** To be put into the environment of a process. */
  readonly env: Record<string, string>;
  /** Where the journal ends now: what is on disk for an acknowledgement that has just come lies before it. */
  journalEnd(): number;
  /** Everything journalled so far. */
  readJournal(): Buffer;
  /** From now on calls fail; replaces what failed before. */
  fail(fault: Fault): void;
  /** Nothing fails any more. */
  heal(): void;
  /** Calls that failed since `fail`. */
  readonly failed: number;
  /** The wall clock is off by so much; the monotonic one stays. */
  shiftClock(offsetMs: number): void;
}

const SOURCES = ['journal.c', 'files.c', 'clock.c'].map((name) => join(import.meta.dirname, 'preload', name));
const KIND: Readonly<Record<FaultKind, number>> = { write: 1, sync: 2, open: 4, change: 8 };
const CONTROL = { clockOffsetNs: 0, kinds: 8, error: 12, from: 16, to: 24, seen: 32, failed: 40, only: 48, bytes: 112 } as const;
const ONLY_BYTES = 64;
/** The first eight bytes say how much is in use. */
const JOURNAL_HEAD_BYTES = 8;
/** Sparse: only what is written takes room. */
const JOURNAL_BYTES = 2 * 1024 * 1024 * 1024;

/** A process with this environment is journalled below `directory`, which must exist. */
export function createPreload(directory: string): Preload {
  if (process.platform !== 'linux' || endianness() !== 'LE') throw new Error('the preloaded library is for little-endian Linux');
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-preload-'));
  const library = join(folder, 'preload.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-o', library, ...SOURCES, '-ldl', '-lpthread'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const journalFile = join(folder, 'journal');
  const controlFile = join(folder, 'control');
  const journal = openSync(journalFile, 'w+');
  ftruncateSync(journal, JOURNAL_BYTES);
  const control = openSync(controlFile, 'w+');
  ftruncateSync(control, CONTROL.bytes);
  putNumber(journal, 0, BigInt(JOURNAL_HEAD_BYTES));
  let isOver = false;

  const journalEnd = (): number => Number(getNumber(journal, 0));
  const setKinds = (kinds: number): void => {
    const cell = Buffer.alloc(4);
    cell.writeUInt32LE(kinds);
    writeSync(control, cell, 0, 4, CONTROL.kinds);
  };
  return {
    env: {
      LD_PRELOAD: library,
      PRELOAD_DIRECTORY: realpathSync(directory),
      PRELOAD_JOURNAL: journalFile,
      PRELOAD_CONTROL: controlFile,
      // file calls go through glibc, where they are seen
      UV_USE_IO_URING: '0',
    },
    journalEnd,
    readJournal() {
      const bytes = Buffer.alloc(journalEnd());
      for (let at = 0; at < bytes.length; ) {
        const read = readSync(journal, bytes, at, bytes.length - at, at);
        if (read === 0) throw new Error('the journal is shorter than it says');
        at += read;
      }
      return bytes;
    },
    fail({ kinds, error, from, to, only = '' }) {
      if (Buffer.byteLength(only) >= ONLY_BYTES) throw new Error('the part of a path is too long');
      setKinds(0);
      const cell = Buffer.alloc(4);
      cell.writeInt32LE(constants.errno[error]);
      writeSync(control, cell, 0, 4, CONTROL.error);
      putNumber(control, CONTROL.from, BigInt(from));
      putNumber(control, CONTROL.to, to === undefined ? 2n ** 63n : BigInt(to));
      putNumber(control, CONTROL.seen, 0n);
      putNumber(control, CONTROL.failed, 0n);
      const part = Buffer.alloc(ONLY_BYTES);
      part.write(only);
      writeSync(control, part, 0, ONLY_BYTES, CONTROL.only);
      setKinds(new Set(kinds).values().reduce((bits, kind) => bits + KIND[kind], 0));
    },
    heal: () => setKinds(0),
    get failed() {
      return Number(getNumber(control, CONTROL.failed));
    },
    shiftClock: (offsetMs) => putNumber(control, CONTROL.clockOffsetNs, BigInt(Math.round(offsetMs)) * 1_000_000n),
    [Symbol.dispose]() {
      if (isOver) return;
      isOver = true;
      closeSync(journal);
      closeSync(control);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function putNumber(file: number, at: number, value: bigint): void {
  const cell = Buffer.alloc(8);
  cell.writeBigInt64LE(BigInt.asIntN(64, value));
  writeSync(file, cell, 0, 8, at);
}

function getNumber(file: number, at: number): bigint {
  const cell = Buffer.alloc(8);
  readSync(file, cell, 0, 8, at);
  return cell.readBigUInt64LE();
}
