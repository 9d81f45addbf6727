// Which errors of SQLite and of the file system are the disk's doing, for everything that opens a database.

import type { DiskFault } from './store.ts';

/** Null: not the disk, but a fault of ours. `code` is SQLite's extended one, or an errno's name. */
export function diskFaultOf(code: string): DiskFault | null {
  switch (code) {
    case 'SQLITE_FULL':
    case 'ENOSPC':
    case 'EDQUOT':
      return 'full';
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'read-only';
    case 'SQLITE_NOTADB':
      return 'damaged';
    case 'EIO':
    case 'ENXIO':
    case 'ENODEV':
    case 'EMFILE':
    case 'ENFILE':
      return 'failing';
  }
  if (code.startsWith('SQLITE_READONLY')) return 'read-only';
  if (code.startsWith('SQLITE_CORRUPT')) return 'damaged';
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN')) return 'failing';
  return null;
}
