// The folder of backups that are made by themselves: which are there, what the next one is called, and which are too many.

import { constants, mkdirSync } from 'node:fs';
import { access, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { BackupView } from './protocol/rest.ts';

export interface BackupShelf {
  readonly folder: string;
  /** Newest first. */
  list(): Promise<BackupView[]>;
  /** A path for a backup of this moment; makes the folder. */
  place(nowMs: number): string;
  /** Takes away all but the newest `keep`; the names of what went. */
  tidy(keep: number): Promise<string[]>;
}

const NAME = /^fieldgate-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/;

export function openBackupShelf(folder: string): BackupShelf {
  async function list(): Promise<BackupView[]> {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const found: BackupView[] = [];
    for (const name of names) {
      const madeAtMs = madeAt(name);
      if (madeAtMs === null) continue;
      const file = join(folder, name);
      const its = await stat(file).catch(() => null);
      if (its?.isFile() === true) found.push({ file, bytes: its.size, madeAtMs });
    }
    return found.sort((a, b) => b.madeAtMs - a.madeAtMs);
  }
  return {
    folder,
    list,
    place(nowMs) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const stamp = new Date(nowMs).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
      return join(folder, `fieldgate-${stamp}.db`);
    },
    async tidy(keep) {
      const gone = (await list()).slice(keep);
      for (const { file } of gone) await rm(file, { force: true });
      return gone.map(({ file }) => file);
    },
  };
}

/**
 * Why the console may not choose this folder; null: it may. It is one that somebody made for it, so that whoever is an admin there can
 * fill no other folder of this user's; and among the gateway's own files there is but one for backups.
 */
export async function accessFault(folder: string, dataFolder: string): Promise<string | null> {
  try {
    const real = await realpath(folder);
    if (!(await stat(real)).isDirectory()) return 'is no folder';
    await access(real, constants.W_OK | constants.X_OK);
    const inside = relative(await realpath(dataFolder), real);
    if (inside === '' || (!inside.startsWith('..') && inside !== 'backups'))
      return 'is among the files of the gateway: leave it empty for its own backups folder, or name another disk';
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there: make the folder on the gateway’s machine first';
    return `cannot be written by the gateway (${code ?? String(error)})`;
  }
}

function madeAt(name: string): number | null {
  const [, year, month, day, hour, minute, second] = (NAME.exec(name) ?? []).map(Number);
  if (year === undefined) return null;
  return Date.UTC(year, (month as number) - 1, day, hour, minute, second);
}
