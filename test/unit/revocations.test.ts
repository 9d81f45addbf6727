import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openRevocationFile } from '../../gateway/identity/revocation-file.ts';
import { condense, endAgain, type Revocation } from '../../gateway/identity/revocations.ts';
import type { DeviceRow, RegistryRows, UserRow } from '../../gateway/storage/registry.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';

const atMs = 1_700_000_000_000;
const EMPTY: RegistryRows = { devices: [], tokens: [], users: [], keys: [], enrolments: [], sessions: [], settings: [], serialPorts: [] };
const device = (id: string, createdAtMs: number): DeviceRow => ({
  id,
  label: '',
  status: 'active',
  createdAtMs,
  tags: [],
  location: '',
  notes: '',
  expectEverySeconds: null,
  clock: 'device',
  pingSeconds: null,
  maySleep: false,
});
const token = (id: string, of: string) => ({ id, device: of, hash: id, createdAtMs: atMs, expiresAtMs: null, enrolment: '' });
const user = (name: string, role: UserRow['role']): UserRow => ({ name, role, passwordHash: 'x', createdAtMs: atMs });

async function openFile(before = '') {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-revocations-'));
  const file = path.join(folder, 'revocations.log');
  if (before !== '') await writeFile(file, before);
  const { log, lines } = createRecordedObserve();
  const open = (nowMs = atMs) => openRevocationFile({ file, nowMs: () => nowMs, log });
  return { file, open, lines, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test('lines that were appended are there after a new start, in a file that only its owner reads', async () => {
  await using under = await openFile();
  const log = await under.open();
  const lines: Revocation[] = [
    { atMs, what: 'token', id: 'a' },
    { atMs, what: 'key', id: 'b' },
  ];
  expect(await Promise.all(lines.map((line) => log.append([line])))).toEqual([true, true]);
  expect(await log.append([])).toBe(true);
  await log.close();
  expect((await under.open()).kept).toEqual(lines);
  expect((await stat(under.file)).mode & 0o777).toBe(0o600);
});

test('the end of a line that a power cut left is taken off, and the next line stands by itself', async () => {
  await using under = await openFile(`{"atMs":1,"what":"token","id":"a"}\n{"atMs":2,"what":"tok`);
  const log = await under.open();
  expect(log.kept).toEqual([{ atMs: 1, what: 'token', id: 'a' }]);
  await log.append([{ atMs: 3, what: 'token', id: 'c' }]);
  expect((await under.open()).kept.map((line) => line.id)).toEqual(['a', 'c']);
});

test.each([
  'no JSON',
  'null',
  '{"atMs":1,"what":"nothing","id":"a"}',
  '{"what":"token","id":"a"}',
  '{"atMs":1,"what":"device","id":"a"}',
  '{"atMs":1,"what":"role","id":"a","madeAtMs":1,"role":"toString"}',
  '{"atMs":1,"what":"__proto__","id":"a"}',
])('a log with the line %s stops the start, and the message says what to do', async (line) => {
  await using under = await openFile(`{"atMs":1,"what":"token","id":"a"}\n${line}\n`);
  await expect(under.open()).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining('line 2') });
});

test('what says nothing any more goes at a start, once it is worth a new file', async () => {
  const lines: Revocation[] = Array.from({ length: 1200 }, (_, i) => ({
    atMs,
    what: i % 2 === 0 ? 'suspended' : 'resumed',
    id: 'a',
    madeAtMs: 1,
  }));
  await using under = await openFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect((await under.open()).kept).toEqual([lines.at(-1)]);
  expect((await readFile(under.file, 'utf8')).split('\n')).toHaveLength(2);
  const session: Revocation = { atMs, what: 'session', id: 's', untilMs: atMs + 1 };
  expect(condense([session], atMs)).toEqual([session]);
  expect(condense([session], atMs + 2)).toEqual([]);
});

test('a removed device and its tokens go again, one of the same name that was made later stays', () => {
  const lines: Revocation[] = [{ atMs, what: 'device', id: 'a', madeAtMs: 1 }];
  const old = { ...EMPTY, devices: [device('a', 1)], tokens: [token('t', 'a')] };
  expect(endAgain(old, lines)).toEqual([
    { delete: 'devices', id: 'a' },
    { delete: 'tokens', id: 't' },
  ]);
  expect(endAgain({ ...old, devices: [device('a', 2)] }, lines)).toEqual([]);
});

test('the last word on a suspension counts, and no line resumes a device', () => {
  const rows = { ...EMPTY, devices: [device('a', 1)] };
  const suspended: Revocation = { atMs, what: 'suspended', id: 'a', madeAtMs: 1 };
  const resumed: Revocation = { ...suspended, what: 'resumed' };
  expect(endAgain(rows, [resumed, suspended])).toMatchObject([{ put: 'devices', row: { status: 'suspended' } }]);
  expect(endAgain(rows, [suspended, resumed])).toEqual([]);
  expect(endAgain({ ...EMPTY, devices: [{ ...device('a', 1), status: 'suspended' }] }, [suspended, resumed])).toEqual([]);
});

test('a role is lowered again and never raised, and an ended password fits nobody', async () => {
  const role = (to: UserRow['role']): Revocation => ({ atMs, what: 'role', id: 'ada', madeAtMs: atMs, role: to });
  expect(endAgain({ ...EMPTY, users: [user('ada', 'admin')] }, [role('viewer')])).toMatchObject([{ row: { role: 'viewer' } }]);
  expect(endAgain({ ...EMPTY, users: [user('ada', 'viewer')] }, [role('admin')])).toEqual([]);
  expect(endAgain({ ...EMPTY, users: [user('ada', 'admin')] }, [role('viewer'), role('admin')])).toEqual([]);
});

test('a token that was rotated with an overlap gets its end back, the sooner one', () => {
  const rows = { ...EMPTY, devices: [device('a', 1)], tokens: [token('t', 'a'), { ...token('u', 'a'), expiresAtMs: 5 }] };
  const until = (id: string, untilMs: number): Revocation => ({ atMs, what: 'token-until', id, untilMs });
  expect(endAgain(rows, [until('t', 20), until('t', 10), until('u', 10)])).toMatchObject([
    { put: 'tokens', row: { id: 't', expiresAtMs: 10 } },
  ]);
});
