// A backup put in the place of what a stopped directory has. The old databases are moved aside, never removed; a restore that was cut short
// is noticed at the next start.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, Failure } from './failure.ts';
import { syncFolder } from './folder-sync.ts';
import { UNUSABLE_PASSWORD } from './identity/passwords.ts';
import type { Revocation } from './identity/revocations.ts';
import { hashOf } from './identity/secrets.ts';
import { RESTORE_MARKER } from './restore-marker.ts';
import {
  BackupProblem,
  registryBirth,
  removeDatabase,
  type RestoredCredentials,
  suspendAll,
  type Unpacked,
  unpackBackup,
} from './storage/restore-file.ts';

export interface Restored extends Unpacked {
  /** Where the databases are that were there before; null when there were none. */
  readonly before: string | null;
  /** Null: none was suspended. */
  readonly suspended: RestoredCredentials | null;
  /** Lines of revocations.log, which are applied at the next start. */
  readonly revocations: number;
}

const DATABASES = ['registry.db', 'fieldgate.db'] as const;
const BESIDE = ['', '-wal', '-shm'] as const;

/** Throws when the databases are those of a restore that was cut short. */
export function refuseCutRestore(dataDir: string): void {
  if (existsSync(join(dataDir, RESTORE_MARKER)))
    throw new Failure(EXIT.configuration, `a restore into ${dataDir} was cut short: run fieldgate restore FILE once more`);
}

/** The caller holds the directory's lock. */
export function restoreBackup(
  backup: string,
  dataDir: string,
  { isTrusted, progress }: { isTrusted: boolean; progress(doing: string): void },
): Restored {
  const here = (name: string): string => join(dataDir, name);
  const partial = { readings: here('fieldgate.db.partial'), registry: here('registry.db.partial') };
  try {
    const unpacked = unpackBackup(backup, partial, progress);
    const revocations = revocationLines(dataDir, partial.registry);
    const suspended = revocations === null && !isTrusted ? suspendAll(partial.registry, UNUSABLE_PASSWORD) : null;
    progress('putting it in place');
    writeFileSync(here(RESTORE_MARKER), '', { mode: 0o600 });
    syncFolder(dataDir);
    const before = moveAside(dataDir);
    // a later restore must know of what this one has suspended
    if (revocations === null)
      writeFileSync(here('revocations.log'), suspended === null ? '' : linesOf(suspended), { mode: 0o600, flush: true });
    for (const name of DATABASES) renameSync(here(`${name}.partial`), here(name));
    syncFolder(dataDir);
    rmSync(here(RESTORE_MARKER));
    syncFolder(dataDir);
    return { ...unpacked, before, suspended, revocations: revocations ?? 0 };
  } catch (error) {
    removeDatabase(partial.readings);
    removeDatabase(partial.registry);
    if (error instanceof BackupProblem) throw new Failure(EXIT.failed, error.message);
    throw error;
  }
}

/** Null: there is no log, or it is the one of another registry. */
function revocationLines(dataDir: string, registry: string): number | null {
  const file = join(dataDir, 'revocations.log');
  if (!existsSync(file)) return null;
  const own = join(dataDir, 'registry.db');
  // a log alone was brought along on purpose; beside a registry it is that one's
  if (existsSync(own) && registryBirth(own) !== registryBirth(registry)) return null;
  return readFileSync(file, 'utf8').split('\n').length - 1;
}

function moveAside(dataDir: string): string | null {
  const there = [...DATABASES.flatMap((name) => BESIDE.map((end) => `${name}${end}`))].filter((name) => existsSync(join(dataDir, name)));
  if (there.length === 0) return null;
  const folder = newFolder(join(dataDir, `before-restore-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`));
  for (const name of there) renameSync(join(dataDir, name), join(folder, name));
  syncFolder(folder);
  syncFolder(dataDir);
  return folder;
}

/** A folder of one's own: two restores in a second must not move one's databases over the other's. */
function newFolder(name: string): string {
  for (let turn = 1; ; turn++) {
    const folder = turn === 1 ? name : `${name}-${turn}`;
    if (existsSync(folder)) continue;
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }
}

function linesOf({ devices, users, keys, enrolments, sessions }: RestoredCredentials): string {
  const atMs = Date.now();
  const lines: Revocation[] = [
    ...devices.map(({ id, createdAtMs }) => ({ atMs, what: 'suspended' as const, id, madeAtMs: createdAtMs })),
    ...users.map((user) => ({
      atMs,
      what: 'password' as const,
      id: user.name,
      madeAtMs: user.createdAtMs,
      hash: hashOf(user.passwordHash),
    })),
    ...keys.map(({ id }) => ({ atMs, what: 'key' as const, id })),
    ...enrolments.map(({ id }) => ({ atMs, what: 'enrolment' as const, id })),
    ...sessions.map(({ id }) => ({ atMs, what: 'session' as const, id, untilMs: null })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
