import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openMigrated } from '../../gateway/storage/migrate.ts';

const ONE = 'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT);';
const TWO = 'ALTER TABLE things ADD COLUMN colour TEXT;';

function setUp(migrations: Record<string, string> = { '0001_things.sql': ONE }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-migrate-'));
  const file = path.join(folder, 'test.db');
  const write = (more: Record<string, string>): void => {
    for (const [name, sql] of Object.entries(more)) writeFileSync(path.join(folder, name), sql);
  };
  write(migrations);
  return {
    folder,
    file,
    write,
    open: () => openMigrated({ file, migrationsDir: folder }),
    remove: (name: string) => rmSync(path.join(folder, name)),
    fingerprint: () => createHash('sha256').update(readFileSync(file)).digest('hex'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test('a new database gets its page size, auto-vacuum, WAL and full sync before its first table', () => {
  using at = setUp();
  const database = at.open();
  const pragma = (name: string): unknown => database.pragma(name, { simple: true });
  expect([pragma('page_size'), pragma('auto_vacuum'), pragma('journal_mode'), pragma('synchronous')]).toEqual([8192, 2, 'wal', 2]);
  database.exec("INSERT INTO things (name) VALUES ('pump')");
  expect(pragma('synchronous')).toBe(2);
  expect(database.prepare('SELECT id, name, checksum FROM migrations').all()).toEqual([
    { id: 1, name: '0001_things.sql', checksum: createHash('sha256').update(ONE).digest('hex') },
  ]);
  database.close();
});

test('an older database is copied, then brought up to date; opening again changes nothing', () => {
  using at = setUp();
  const before = at.open();
  before.exec("INSERT INTO things (name) VALUES ('pump')");
  before.close();
  at.write({ '0002_colour.sql': TWO });
  at.open().close();
  const after = at.open();
  expect(after.prepare('SELECT * FROM things').all()).toEqual([{ id: 1, name: 'pump', colour: null }]);
  after.close();
  expect(readdirSync(at.folder).filter((name) => name.includes('before'))).toEqual(['test.db.before-0002']);
  const copy = new Database(`${at.file}.before-0002`, { readonly: true });
  expect(copy.prepare('SELECT * FROM things').all()).toEqual([{ id: 1, name: 'pump' }]);
  copy.close();
});

test('a migration that fails leaves the database as the one before made it', () => {
  using at = setUp();
  at.open().close();
  at.write({ '0002_broken.sql': `${TWO} INSERT INTO nowhere VALUES (1);` });
  expect(at.open).toThrow(/nowhere/);
  at.remove('0002_broken.sql');
  const database = at.open();
  expect(database.prepare('SELECT count(*) FROM migrations').pluck().get()).toBe(1);
  expect(database.prepare("SELECT count(*) FROM pragma_table_info('things')").pluck().get()).toBe(2);
  database.close();
});

test('K11 a database of a newer version, with a changed migration, or not ours is refused and stays as it was', () => {
  using at = setUp({ '0001_things.sql': ONE, '0002_colour.sql': TWO });
  at.open().close();
  const untouched = at.fingerprint();

  at.remove('0002_colour.sql');
  expect(at.open).toThrow(expect.objectContaining({ exitCode: 78, message: expect.stringContaining('newer version') }));
  at.write({ '0002_colour.sql': `${TWO} -- changed` });
  expect(at.open).toThrow(expect.objectContaining({ exitCode: 78, message: expect.stringContaining('0002_colour.sql') }));
  expect(at.fingerprint()).toBe(untouched);

  writeFileSync(at.file, 'this is no database, although somebody put it where one belongs');
  const text = at.fingerprint();
  expect(at.open).toThrow(expect.objectContaining({ exitCode: 78 }));
  expect(at.fingerprint()).toBe(text);
});

test('K11 another program’s database, and an empty file beside a log that is not, are refused', () => {
  using at = setUp();
  const other = new Database(at.file);
  other.exec('CREATE TABLE recipes (id INTEGER PRIMARY KEY)');
  other.close();
  expect(at.open).toThrow(expect.objectContaining({ exitCode: 78, message: expect.stringContaining('not one of') }));

  writeFileSync(at.file, '');
  writeFileSync(`${at.file}-wal`, 'frames');
  expect(at.open).toThrow(expect.objectContaining({ exitCode: 78, message: expect.stringContaining('-wal') }));
  expect(readFileSync(`${at.file}-wal`, 'utf8')).toBe('frames');
});

test('migrations with a hole in their numbers, or none at all, are an installation that does not work', () => {
  using at = setUp({ '0001_things.sql': ONE, '0003_colour.sql': TWO });
  expect(at.open).toThrow(/without holes/);
  at.remove('0001_things.sql');
  at.remove('0003_colour.sql');
  expect(at.open).toThrow(/no migrations/);
});
