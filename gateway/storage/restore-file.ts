// A backup taken apart again, into two databases beside the place where they shall be. What they are to forget is decided by the caller.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, copyFileSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BACKUP_FORMAT, type CopyFacts, copyFacts } from './store-copy.ts';

/** The operator's problem: what is wrong with the file. */
export class BackupProblem extends Error {}

export interface Unpacked {
  readonly facts: CopyFacts;
  readonly madeAtMs: number;
  readonly version: string;
}
/** A registry's tables as far as credentials go. */
export interface RestoredCredentials {
  readonly devices: readonly { readonly id: string; readonly createdAtMs: number; readonly isActive: boolean }[];
  readonly users: readonly { readonly name: string; readonly createdAtMs: number; readonly passwordHash: string }[];
  readonly keys: readonly { readonly id: string; readonly name: string }[];
  readonly enrolments: readonly { readonly id: string }[];
  readonly sessions: readonly { readonly id: string }[];
}

/** Makes `readings` and `registry`, synced; throws a BackupProblem. The readings get a new incarnation. */
export function unpackBackup(
  backup: string,
  { readings, registry }: { readings: string; registry: string },
  progress: (doing: string) => void,
): Unpacked {
  removeDatabase(readings);
  removeDatabase(registry);
  progress('copying');
  copyFileSync(backup, readings);
  chmodSync(readings, 0o600);
  progress('verifying');
  const db = openSound(readings, backup);
  try {
    const isBackup =
      db.prepare(`SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('backup', 'log', 'meta')`).pluck().get() === 3;
    if (!isBackup) throw new BackupProblem(`${backup} is a database, but no backup: make one with fieldgate backup`);
    const row = db.prepare('SELECT format, made_at_ms AS madeAtMs, version, facts, registry FROM backup').get() as
      | { format: number; madeAtMs: number; version: string; facts: string; registry: Buffer }
      | undefined;
    if (row === undefined || row.format !== BACKUP_FORMAT)
      throw new BackupProblem(
        `${backup} was made by version ${row?.version ?? '?'}, in a format that this one does not know: install that version`,
      );
    const facts = JSON.parse(row.facts) as CopyFacts;
    const its = copyFacts(db);
    for (const name of Object.keys(facts) as (keyof CopyFacts)[])
      if (its[name] !== facts[name])
        throw new BackupProblem(`${backup} is not what was backed up: ${name} is ${its[name]}, and not ${facts[name]}`);
    writeFileSync(registry, row.registry, { mode: 0o600 });
    openSound(registry, backup).close();
    db.exec('DROP TABLE backup');
    db.prepare(`UPDATE meta SET content = ? WHERE key = 'store'`).run(randomBytes(8).toString('hex'));
    db.pragma('incremental_vacuum');
    db.close();
    for (const file of [readings, registry]) sync(file);
    return { facts, madeAtMs: row.madeAtMs, version: row.version };
  } finally {
    db.close();
  }
}

/** When a registry was made: it and its copies have the same, and no others. */
export function registryBirth(file: string): number | null {
  try {
    const db = new Database(file, { readonly: true });
    try {
      return db.prepare('SELECT applied_at_ms FROM migrations WHERE id = 1').pluck().get() as number | null;
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

/** Takes every credential out of force, and says which there were: devices are suspended, passwords void, keys and sessions gone. */
export function suspendAll(registry: string, unusablePassword: string): RestoredCredentials {
  const db = new Database(registry);
  try {
    const found = {
      devices: (
        db.prepare(`SELECT id, created_at_ms AS createdAtMs, status FROM devices ORDER BY id`).all() as {
          id: string;
          createdAtMs: number;
          status: string;
        }[]
      ).map(({ id, createdAtMs, status }) => ({ id, createdAtMs, isActive: status === 'active' })),
      users: db.prepare('SELECT name, created_at_ms AS createdAtMs, password_hash AS passwordHash FROM users ORDER BY name').all(),
      keys: db.prepare('SELECT id, name FROM keys ORDER BY name').all(),
      enrolments: db.prepare('SELECT id FROM enrolments ORDER BY id').all(),
      sessions: db.prepare('SELECT id FROM sessions').all(),
    } as RestoredCredentials;
    db.transaction(() => {
      db.prepare(`UPDATE devices SET status = 'suspended'`).run();
      db.prepare('UPDATE users SET password_hash = ?').run(unusablePassword);
      for (const table of ['keys', 'enrolments', 'sessions']) db.exec(`DELETE FROM ${table}`);
      db.prepare(`INSERT INTO audit(at_ms, actor, act, target, detail) VALUES (?, 'local', 'restore', 'registry', ?)`).run(
        Date.now(),
        'without revocations.log: every credential was suspended',
      );
    })();
    return found;
  } finally {
    db.close();
    sync(registry);
  }
}

export function removeDatabase(file: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
}

function openSound(file: string, backup: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    db.pragma('synchronous = FULL');
    const first = db.prepare('PRAGMA integrity_check(1)').pluck().get() as string;
    if (first === 'ok') return db;
    throw new BackupProblem(`${backup} is damaged (${first}): take another one`);
  } catch (error) {
    db?.close();
    if (error instanceof BackupProblem) throw error;
    const { code = '' } = error as { code?: string };
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT'))
      throw new BackupProblem(`${backup} is no readable database (${code}): take another one`);
    throw error;
  }
}

function sync(file: string): void {
  const handle = openSync(file, 'r+');
  fsyncSync(handle);
  closeSync(handle);
}
