// A backup is one SQLite file: the readings' database as it was, and a table `backup` with the registry as one row. It gets its name when
// it was looked through, and never takes another file's place.

import { existsSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BackupData } from './backup-thread.ts';
import type { SqliteStore } from './sqlite-store.ts';
import type { CopyFacts } from './store-copy.ts';
import { openThread } from './thread.ts';

export interface BackupAsk {
  readonly file: string;
  readonly store: Pick<SqliteStore, 'copyTo'>;
  readonly registryFile: string;
  readonly version: string;
  progress(doing: string, left: number | null): void;
  /** Makes the names in a folder last. */
  syncFolder(path: string): void;
  readonly signal: AbortSignal;
}
export interface BackedUp {
  readonly bytes: number;
  readonly position: number;
}

const BESIDE = ['', '-journal', '-wal', '-shm', '-registry'] as const;

/** Rejects with nothing left of it. */
export async function writeBackup({ file, store, registryFile, version, progress, syncFolder, signal }: BackupAsk): Promise<BackedUp> {
  const partial = `${file}.partial`;
  const clear = async (): Promise<void> => {
    for (const end of BESIDE) await rm(`${partial}${end}`, { force: true });
  };
  await clear();
  await (await open(partial, 'wx', 0o600)).close();
  try {
    const handle = await open(partial, 'r+');
    let facts: CopyFacts;
    try {
      facts = await store.copyTo(partial, {
        progress: (copied, pages) => progress('copying pages', pages - copied),
        sync: () => handle.datasync(),
        signal,
      });
    } finally {
      await handle.close();
    }
    const thread = await openThread(new URL('./backup-thread.ts', import.meta.url), {
      file: partial,
      registryFile,
      version,
    } satisfies BackupData);
    const giveUp = (): void => thread.abandon();
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      progress('adding the registry', null);
      await thread.call('addRegistry', facts);
      progress('verifying', null);
      await thread.call('verify', facts);
    } finally {
      signal.removeEventListener('abort', giveUp);
      await thread.close();
    }
    const done = await open(partial, 'r+');
    try {
      await done.sync();
    } finally {
      await done.close();
    }
    if (existsSync(file)) throw new Error(`${file} has come into being meanwhile`);
    await rename(partial, file);
    syncFolder(dirname(file));
    return { bytes: (await stat(file)).size, position: facts.position };
  } catch (error) {
    await clear();
    throw error;
  }
}
