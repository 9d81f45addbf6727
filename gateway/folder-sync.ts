// Makes a folder's names last: a file that was synced is of no use after a power cut when the name under which it was made is gone.

import { closeSync, fsyncSync, openSync } from 'node:fs';

/** File systems that can't sync a folder keep its names by other means. */
const CANNOT = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES']);

export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    if (!CANNOT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
