// A restore that is killed at any of its steps: what is there afterwards is what was there before, or what was backed up, or a restore that
// says it was cut short; run once more it goes through, and the databases of before are somewhere, whole.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { refuseCutRestore, restoreBackup } from '../../gateway/restore.ts';
import { createFolder, runCli } from '../support/cli-process.ts';
import { addDevice, post, startUpkeepGateway } from '../support/upkeep.ts';

const run = promisify(execFile);
const STEPS = new URL('../support/restore-steps.ts', import.meta.url).href;
const LIFE = fileURLToPath(new URL('../support/restore-life.ts', import.meta.url));
const OLD = 500;
const NEW = 800;

/** What the databases of a directory hold; null when they are not both there. */
function holding(data: string): { readings: number; devices: string[] } | null {
  const files = ['fieldgate.db', 'registry.db'].map((name) => path.join(data, name));
  if (!files.every((file) => existsSync(file))) return null;
  const [readings, registry] = files.map((file) => new Database(file)) as [Database.Database, Database.Database];
  try {
    for (const db of [readings, registry]) expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return {
      readings: Number(readings.prepare(`SELECT content FROM meta WHERE key = 'position'`).pluck().get()),
      devices: registry.prepare('SELECT id FROM devices ORDER BY id').pluck().all() as string[],
    };
  } finally {
    readings.close();
    registry.close();
  }
}
const BACKED_UP = { readings: OLD, devices: ['pump-1'] };
const BEFORE = { readings: NEW, devices: ['late-1', 'pump-1'] };

/** Of a directory as a kill left it. */
function isWhole(data: string, backup: string, before: typeof BEFORE | null): 'before' | 'cut' | 'restored' {
  let found: 'before' | 'cut' | 'restored';
  const cut = ((): string | null => {
    try {
      refuseCutRestore(data);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  })();
  if (cut !== null) {
    expect(cut).toContain('was cut short: run fieldgate restore FILE once more');
    found = 'cut';
  } else {
    const there = holding(data);
    found = there?.readings === OLD ? 'restored' : 'before';
    expect(there).toStrictEqual(found === 'restored' ? BACKED_UP : before);
  }
  restoreBackup(backup, data, { isTrusted: true, progress: () => undefined });
  refuseCutRestore(data);
  expect(holding(data)).toStrictEqual(BACKED_UP);
  expect(readdirSync(data).filter((name) => name.includes('partial'))).toStrictEqual([]);
  if (before !== null) {
    const aside = readdirSync(data).filter((name) => name.startsWith('before-restore-'));
    expect(aside.some((name) => holding(path.join(data, name))?.readings === before.readings || isSplit(data, aside, before))).toBe(true);
  }
  return found;
}
/** A kill between the two renames: one database was moved by the first restore, the other by the second. */
function isSplit(data: string, folders: readonly string[], before: typeof BEFORE): boolean {
  const of = (name: string): string[] => folders.map((folder) => path.join(data, folder, name)).filter((file) => existsSync(file));
  const readings = of('fieldgate.db').map((file) => new Database(file));
  const registries = of('registry.db').map((file) => new Database(file));
  try {
    return (
      readings.some((db) => Number(db.prepare(`SELECT content FROM meta WHERE key = 'position'`).pluck().get()) === before.readings) &&
      registries.some((db) => db.prepare('SELECT count(*) FROM devices').pluck().get() === before.devices.length)
    );
  } finally {
    for (const db of [...readings, ...registries]) db.close();
  }
}

test('a restore killed at any of its steps loses nothing, and goes through when it is run again', { timeout: 240_000 }, async () => {
  using folder = createFolder();
  const backup = path.join(folder.path, 'one.backup');
  const original = path.join(folder.path, 'original');
  {
    await using gateway = await startUpkeepGateway();
    const token = await addDevice(gateway, 'pump-1');
    await post(gateway, token, 0, OLD);
    expect((await runCli(['backup', backup, '--data', gateway.data])).code).toBe(0);
    await post(gateway, await addDevice(gateway, 'late-1'), 0, NEW - OLD);
    await gateway.kill('SIGTERM');
    cpSync(gateway.data, original, { recursive: true, filter: (from) => !from.endsWith('.sock') });
  }
  const seen = new Set<string>();
  let images = 0;
  for (const before of [BEFORE, null]) {
    const data = path.join(folder.path, before === null ? 'empty' : 'data');
    const steps = path.join(folder.path, `steps-${images}`);
    if (before === null) mkdirSync(data);
    else cpSync(original, data, { recursive: true });
    mkdirSync(steps);
    await run(process.execPath, ['--import', STEPS, LIFE, backup, data], {
      env: { ...process.env, STEPS_DATA: data, STEPS_IMAGES: steps },
    });
    expect(Number(readFileSync(path.join(steps, 'steps'), 'utf8'))).toBeGreaterThan(25);
    for (const image of readdirSync(steps).filter((name) => name !== 'steps')) {
      const at = path.join(steps, image);
      try {
        seen.add(isWhole(at, backup, before));
      } catch (error) {
        throw new Error(`killed before step ${Number(image)}: ${(error as Error).message}`, { cause: error });
      }
      images++;
      rmSync(at, { recursive: true });
    }
    expect(isWhole(data, backup, before)).toBe('restored');
    // within a second too, each sets aside what it finds and takes nothing of the other's
    const aside = (): number => readdirSync(data).filter((name) => name.startsWith('before-restore-')).length;
    const earlier = aside();
    for (let turn = 0; turn < 3; turn++) restoreBackup(backup, data, { isTrusted: true, progress: () => undefined });
    expect(aside()).toBe(earlier + 3);
  }
  expect([...seen].toSorted()).toStrictEqual(['before', 'cut', 'restored']);
  console.log(`${images} states of a directory`);
});
