// `revocations.log`: one JSON line for each thing that has ended, appended and synced before the revocation is answered. It is no part of
// a backup, which is what makes it useful when one is restored.

import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../observe.ts';
import { condense, parseRevocation, type Revocation, type Revocations } from './revocations.ts';

export interface RevocationFileOptions {
  readonly file: string;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Beyond so many lines the oldest go, some 25 MiB: a registry that old is restored at one's own risk. */
const MOST_LINES = 200_000;
/** Rewritten at a start when at least so many lines are there for nothing. */
const WORTH_REWRITING = 1000;
const CONFIGURATION = 78;

/** Rejects when a line in the middle cannot be read: what it ended would live again. */
export async function openRevocationFile({ file, nowMs, log }: RevocationFileOptions): Promise<Revocations> {
  const { lines, wholeBytes } = await readLines(file);
  const kept = condense(lines, nowMs()).slice(-MOST_LINES);
  if (lines.length - kept.length >= WORTH_REWRITING) await rewrite(file, kept);
  else await cutTo(file, wholeBytes);

  let waiting: { readonly text: string; readonly settle: (isWritten: boolean) => void }[] = [];
  let unwritten = '';
  let writing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const text = unwritten + group.map((one) => one.text).join('');
      let isWritten = true;
      try {
        await write(file, text);
        unwritten = '';
      } catch (error) {
        isWritten = false;
        unwritten = text;
        log.error(
          { err: error, file },
          'revocations.log could not be written; an older registry.db that is put back would revive what ended',
        );
      }
      for (const one of group) one.settle(isWritten);
    }
    writing = null;
  }
  return {
    kept,
    append(revoked) {
      if (revoked.length === 0) return Promise.resolve(true);
      const text = revoked.map((line) => `${JSON.stringify(line)}\n`).join('');
      const written = new Promise<boolean>((resolve) => waiting.push({ text, settle: resolve }));
      writing ??= writeAll();
      return written;
    },
    async close() {
      await writing;
      if (unwritten !== '') await write(file, unwritten).catch(() => undefined);
      unwritten = '';
    },
  };
}

/** All or nothing: half a line would be glued to the next one. Opened anew each time, since somebody may have moved or removed it. */
async function write(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    const { size } = await handle.stat();
    try {
      await handle.appendFile(text);
      await handle.datasync();
    } catch (error) {
      await handle.truncate(size).catch(() => undefined);
      throw error;
    }
  } finally {
    await handle.close();
  }
}

async function readLines(file: string): Promise<{ lines: readonly Revocation[]; wholeBytes: number }> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const texts = bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1);
  const lines = texts.map((text, index) => {
    const line = parseRevocation(text);
    if (line === null)
      throw Object.assign(
        new Error(
          `${file}, line ${index + 1}, cannot be read, and what it ended would live again: mend the line; or, when registry.db was never put back from a copy, delete it`,
        ),
        { exitCode: CONFIGURATION },
      );
    return line;
  });
  return { lines, wholeBytes };
}

/** Makes the file where there is none, and takes off the end of a line that a power cut left: nobody was told that it was written. */
async function cutTo(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.truncate(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(file);
}

async function rewrite(file: string, lines: readonly Revocation[]): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  await syncFolder(file);
}

async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
