// A file system of a few MiB in memory, mounted for a test. The mount has a keeper that takes it away again when this process ends,
// however it ends.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface SmallDisk extends AsyncDisposable {
  /** A directory on it, made already. */
  readonly data: string;
  readonly freeBytes: number;
  /** Takes room until so much is left. */
  fillTo(freeBytes: number): void;
  /** Gives all of it back. */
  free(): void;
}

const BLOCK_BYTES = 4096;
/** The reader of its input comes last: at the end of it, which is the end of the test's process at the latest, the mount goes. */
const KEEPER = 'mount -t tmpfs -o size="$1" tmpfs "$0" && echo mounted && cat > /dev/null; umount --lazy "$0"';

export async function openSmallDisk(bytes: number): Promise<SmallDisk> {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-disk-')));
  const [program, ...before] = process.getuid?.() === 0 ? ['sh'] : ['sudo', '--non-interactive', 'sh'];
  const keeper = spawn(program, [...before, '-c', KEEPER, path, String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const ended = new Promise<void>((resolve) => keeper.on('exit', () => resolve()));
  const isMounted = await Promise.race([
    new Promise<boolean>((resolve) => createInterface({ input: keeper.stdout }).once('line', () => resolve(true))),
    ended.then(() => false),
  ]);
  if (!isMounted) {
    rmSync(path, { recursive: true, force: true });
    throw new Error('no file system could be mounted for the test; it needs root, or sudo without a password');
  }
  const data = join(path, 'data');
  mkdirSync(data, { mode: 0o700 });
  const ballast = join(path, 'ballast');
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    data,
    get freeBytes() {
      return freeBytes();
    },
    fillTo(wanted) {
      const file = openSync(ballast, 'a');
      const block = Buffer.alloc(BLOCK_BYTES);
      try {
        // somebody else writes there too: looked at again and again
        while (freeBytes() >= wanted + BLOCK_BYTES) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      keeper.stdin.end();
      await ended;
      rmSync(path, { recursive: true, force: true });
    },
  };
}
