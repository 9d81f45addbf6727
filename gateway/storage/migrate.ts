// Opens a database of ours and brings its schema up to date. Every process that writes one of the two databases comes in through here, so
// that what only takes at creation is set once: page size, auto-vacuum, file mode. An existing file is first looked at read-only: one that
// we must not change (newer version, changed migration, not ours) is refused with its bytes as they were.

import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export type { Database } from 'better-sqlite3';

export interface OpenMigratedOptions {
  readonly file: string;
  /** Holds `NNNN_what.sql`, numbered from 0001 without holes. */
  readonly migrationsDir: string;
  /** How long a statement waits for another process's lock. */
  readonly busyTimeoutMs?: number;
}

/** The operator's problem, not a bug: `message` says what to do, `exitCode` is what a command ends with. */
export interface DatabaseRefusal extends Error {
  readonly exitCode: number;
}

interface Migration {
  readonly id: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** A connection's own cache. better-sqlite3 gives each 16 MB; what is read again is in the system's cache, which it gives up by itself. */
const WRITER_CACHE_KIB = 8000;
const READER_CACHE_KIB = 4000;

/** A connection that only reads, of a file that is migrated. */
export function openForReading(file: string): Database.Database {
  const reader = new Database(file, { readonly: true });
  reader.pragma(`cache_size = -${READER_CACHE_KIB}`);
  return reader;
}

/**
 * A connection in WAL mode with full sync (read back after a commit, before which the pragma may say FULL while NORMAL is in force). Throws
 * a DatabaseRefusal when the file is not one that this version may write.
 */
export function openMigrated({ file, migrationsDir, busyTimeoutMs = 5000 }: OpenMigratedOptions): Database.Database {
  const migrations = readMigrations(migrationsDir);
  const applied = inspect(file, migrations);
  // SQLite gives -wal and -shm the mode of the database. A file that is there is left alone: closing any descriptor of it would drop the
  // locks of every connection of this process, and another program could take the WAL away from under them
  if (applied === 0) closeSync(openSync(file, 'a', 0o600));
  const database = new Database(file, { timeout: busyTimeoutMs });
  try {
    if (applied === 0) {
      database.pragma('page_size = 8192');
      database.pragma('auto_vacuum = INCREMENTAL');
    }
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`cache_size = -${WRITER_CACHE_KIB}`);
    const pending = migrations.slice(applied);
    const first = pending[0];
    if (first !== undefined && applied > 0) copyBefore(database, file, first);
    if (applied === 0) database.exec(LEDGER);
    for (const migration of pending) apply(database, migration);
    database.pragma(`user_version = ${migrations.length}`); // a commit on every opening, so that the next line is true
    if (database.pragma('synchronous', { simple: true }) !== 2) throw new Error(`${file}: SQLite does not keep synchronous=FULL`);
    // After a sync that failed, memory can show pages of the WAL that the disk never got, and what is appended behind them would be lost
    // with them: whatever the WAL holds at an opening is written into the database anew, and synced, before anything follows it.
    database.pragma('wal_checkpoint(TRUNCATE)');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const LEDGER = `CREATE TABLE IF NOT EXISTS migrations (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at_ms INTEGER NOT NULL
) STRICT`;

function readMigrations(folder: string): readonly Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  if (names.length === 0) throw new Error(`${folder} holds no migrations; the installation is incomplete`);
  return names.map((name, index) => {
    const id = Number(/^(\d{4})_[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    if (id !== index + 1) throw new Error(`${path.join(folder, name)}: migrations are NNNN_what.sql, from 0001 without holes`);
    const sql = readFileSync(path.join(folder, name), 'utf8');
    return { id, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/** How many migrations the file has; 0 for one that is to be made. */
function inspect(file: string, migrations: readonly Migration[]): number {
  const size = existsSync(file) ? statSync(file).size : 0;
  if (size === 0) {
    const wal = `${file}-wal`;
    if (existsSync(wal) && statSync(wal).size > 0) {
      throw refusal(`${file} is empty but ${wal} is not: data would be lost. Put the database back from a backup, or move both away.`);
    }
    return 0;
  }
  const rows = readLedger(file);
  const known = migrations.length;
  if (rows.length > known) {
    throw refusal(`${file} was written by a newer version (schema ${rows.length}, this one knows ${known}). Install that version again.`);
  }
  rows.forEach((row, index) => {
    const migration = migrations[index];
    if (row.id !== migration?.id || row.checksum !== migration.checksum) {
      throw refusal(`${file}: migration ${row.name} is not the one of this installation. Install the files of a release unchanged.`);
    }
  });
  return rows.length;
}

function readLedger(file: string, readonly = true): { id: number; name: string; checksum: string }[] {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly });
    const tables = database.prepare('SELECT name FROM sqlite_schema').pluck().all();
    // a start that was cut between creating the file and its first table leaves a header alone
    if (tables.length === 0) return [];
    if (!tables.includes('migrations')) throw refusal(`${file} is a database, but not one of Fieldgate's. Move it away.`);
    return database
      .prepare<[], { id: number; name: string; checksum: string }>('SELECT id, name, checksum FROM migrations ORDER BY id')
      .all();
  } catch (error) {
    // a power cut while the file was being made: its half transaction has to be taken back before anything can be read
    if (readonly && error instanceof Database.SqliteError && error.code === 'SQLITE_READONLY_ROLLBACK') return readLedger(file, false);
    if (error instanceof Database.SqliteError && (error.code === 'SQLITE_NOTADB' || error.code.startsWith('SQLITE_CORRUPT'))) {
      throw refusal(`${file} is not a readable SQLite database (${error.code}). Put it back from a backup, or move it away.`);
    }
    throw error;
  } finally {
    database?.close();
  }
}

/** The whole database beside itself, under the name of the migration that is about to change it. */
function copyBefore(database: Database.Database, file: string, migration: Migration): void {
  const [checkpoint] = database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  if (checkpoint?.busy !== 0) throw refusal(`${file} is in use by another process; stop it before the schema is brought up to date.`, 75);
  const copy = `${file}.before-${String(migration.id).padStart(4, '0')}`;
  const partial = `${copy}.partial`;
  copyFileSync(file, partial);
  const handle = openSync(partial, 'r+');
  fsyncSync(handle);
  closeSync(handle);
  renameSync(partial, copy);
}

function apply(database: Database.Database, { id, name, sql, checksum }: Migration): void {
  const ledger = database.prepare('INSERT INTO migrations (id, name, checksum, applied_at_ms) VALUES (?, ?, ?, ?)');
  database
    .transaction(() => {
      database.exec(sql);
      ledger.run(id, name, checksum, Date.now());
    })
    .immediate();
}

function refusal(message: string, exitCode = 78): DatabaseRefusal {
  return Object.assign(new Error(message), { exitCode });
}
