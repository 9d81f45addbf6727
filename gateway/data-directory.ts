// One process owns the data directory: an exclusive SQLite transaction on `lock` that dies with its holder. Nothing else in this process
// may ever open that file (closing any descriptor of it would drop the lock). `pid` names the holder to the one who comes second.

import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { EXIT, Failure } from './failure.ts';
import { type FileSystemType, fileSystemOf, fileSystemType } from './file-system.ts';
import { syncFolder } from './folder-sync.ts';

export interface DataDirectory {
  readonly path: string;
  /** It does not outlive a reboot. */
  readonly isInMemory: boolean;
  /** Lets the directory go; idempotent. */
  close(): void;
}

/**
 * Makes the directory (0700) where there is none, and takes it for this process. Throws a Failure with 73, 75, 77 or 78. A directory that is
 * there keeps its rights (it may be somebody's home, or /tmp); what is written into it is 0600.
 */
export function openDataDirectory(path: string, typeOf: FileSystemType = fileSystemType): DataDirectory {
  prepare(path);
  const { kind, name } = fileSystemOf(typeOf(path));
  if (kind === 'network')
    throw new Failure(
      EXIT.configuration,
      `the data directory ${path} is on ${name}: SQLite cannot keep a database safe over a network; choose a local disk with --data`,
    );
  const lock = takeLock(path);
  const pidFile = join(path, 'pid');
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    path,
    isInMemory: kind === 'memory',
    close() {
      if (!lock.open) return;
      try {
        rmSync(pidFile, { force: true });
      } catch {
        // the disk has become read-only or fails: the next holder overwrites it
      }
      lock.close();
    },
  };
}

/** Who holds the directory, as its pid file says; null when nobody said so. */
export function holderOf(path: string): number | null {
  try {
    const pid = Number(readFileSync(join(path, 'pid'), 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

export function sqliteVersion(): string {
  const database = new Database(':memory:');
  try {
    return String(database.prepare('SELECT sqlite_version()').pluck().get());
  } finally {
    database.close();
  }
}

function prepare(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    try {
      keepNames(path, mkdirSync(path, { recursive: true, mode: 0o700 }));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
        throw new Failure(
          EXIT.permission,
          `the data directory ${path} cannot be made: ${dirname(path)} is not writable for this user; choose another with --data`,
        );
      throw new Failure(
        EXIT.cannotCreate,
        `the data directory ${path} cannot be made (${code ?? String(error)}); choose another with --data`,
      );
    }
    return;
  }
  if (!stat.isDirectory())
    throw new Failure(EXIT.cannotCreate, `${path} is a file, not a directory: move it away, or choose another with --data`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw new Failure(
      EXIT.permission,
      `the data directory ${path} is not writable for this user: run as its owner, or chown -R "$(id -un)" ${path}`,
    );
  }
}

/** A new directory, and those that had to be made above it from `first` on, are still there after a power cut. */
function keepNames(path: string, first: string | undefined): void {
  for (let made = resolve(path); first !== undefined && made.startsWith(resolve(first)); made = dirname(made)) syncFolder(dirname(made));
}

function takeLock(path: string): Database.Database {
  const file = join(path, 'lock');
  let lock: Database.Database | undefined;
  try {
    // made before SQLite opens it, so that it never exists with other rights
    writeFileIfMissing(file);
    lock = new Database(file, { timeout: 0 });
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('SQLITE_BUSY') === true) {
      const pid = holderOf(path);
      throw new Failure(
        EXIT.locked,
        `locked by pid ${pid ?? 'unknown'}: another Fieldgate uses ${path}; stop it, or choose another directory with --data`,
      );
    }
    if (
      code === 'EACCES' ||
      code === 'EROFS' ||
      code?.startsWith('SQLITE_READONLY') === true ||
      code?.startsWith('SQLITE_CANTOPEN') === true
    )
      throw new Failure(EXIT.permission, `${file} is not writable for this user: run as its owner`);
    if (code === 'SQLITE_NOTADB') throw new Failure(EXIT.cannotCreate, `${file} is not a lock of Fieldgate: move it away`);
    throw error;
  }
}

function writeFileIfMissing(file: string): void {
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
