// Files that commands write and read: written under another name until they are whole, and how far it is on stderr.

import { createWriteStream, existsSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EXIT, Failure } from '../failure.ts';
import { syncFolder } from '../folder-sync.ts';

const TELL_MS = 1000;

export function refuseExisting(file: string, isForced: boolean): void {
  if (!isForced && existsSync(file)) throw new Failure(EXIT.cannotCreate, `${file} is there already: choose another name, or give --force`);
}

/** The file is there, whole and on disk, or not at all; only its owner may read it. */
export async function writeWhole(file: string, content: Readable, isForced: boolean): Promise<void> {
  const part = join(dirname(file), `.fieldgate-${randomUUID()}.part`);
  try {
    await pipeline(content, createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }));
    if (isForced) await rename(part, file);
    else {
      // another one may have come meanwhile: a link replaces nothing
      await link(part, file);
      await rm(part);
    }
  } catch (error) {
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') refuseExisting(file, false);
    throw error;
  }
  syncFolder(dirname(file));
}

/** Says `words()` once a second until it is closed. */
export function startTelling(say: (text: string) => void, words: () => string): Disposable {
  const timer = setInterval(() => say(words()), TELL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
