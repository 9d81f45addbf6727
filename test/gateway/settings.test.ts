// What the console sets: in force at once, still there after a restart, and never over what the file says.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { AuditView, BackupView, SettingsView, SettingView } from '../../gateway/protocol/rest.ts';
import { openSqliteRegistry } from '../../gateway/storage/sqlite-registry.ts';
import { createFolder, runCli, startCli } from '../support/cli-process.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { until as untilWithin } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const DAY_MS = 86_400_000;
const until = (holds: () => boolean | Promise<boolean>): Promise<void> => untilWithin(holds, () => holds.toString());

const change = (gateway: TestGateway, body: object): Promise<TestAnswer> => gateway.admin('/v1/settings', { method: 'PATCH', body });
const tryOut = (gateway: TestGateway, body: object): Promise<TestAnswer> => gateway.admin('/v1/settings/try', { method: 'POST', body });
const read = async (gateway: TestGateway): Promise<SettingsView> => (await gateway.admin('/v1/settings')).json();
const settingOf = async (gateway: TestGateway, key: string): Promise<SettingView | undefined> =>
  (await read(gateway)).settings.find((setting) => setting.key === key);
const auditOf = async (gateway: TestGateway): Promise<AuditView[]> =>
  (await gateway.local('/v1/audit')).json().items.filter(({ act }: AuditView) => act.startsWith('settings.'));

test('the settings name each value with its source, and the certificate with what people compare', async () => {
  await using gateway = await startTestGateway({ limits: { devices: 100 } });
  const { settings, versions, certificate, file, unsealed } = await read(gateway);
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  expect(byKey.get('limits.devices')).toEqual({
    key: 'limits.devices',
    value: 100,
    source: 'the program that started it',
    from: 'program',
    isEditable: false,
  });
  expect(byKey.get('backup.keep')).toEqual({ key: 'backup.keep', value: 7, source: 'default', from: 'default', isEditable: true });
  expect(byKey.get('http.origins')).toMatchObject({ value: [], isEditable: false });
  expect(versions).toEqual({ fieldgate: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node });
  expect([file, unsealed]).toEqual([null, 0]);
  expect(certificate).toMatchObject({ kind: 'auto', names: expect.arrayContaining(['localhost', '127.0.0.1']) });
  expect(certificate?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  expect(certificate?.authority?.fingerprint).not.toBe(certificate?.fingerprint);
  const at = (text: string | null | undefined): number => Date.parse(text ?? '');
  expect(at(certificate?.notBeforeAt)).toBeLessThan(Date.now());
  expect(at(certificate?.renewsAt)).toBeGreaterThan(Date.now() + 200 * DAY_MS);
  expect(at(certificate?.notAfterAt)).toBeGreaterThan(at(certificate?.renewsAt));
});

test('what is set is in force, in the audit and there after a restart; null takes it back', LONG, async () => {
  await using gateway = await startTestGateway();
  const rules = [{ device: 'pump-*', metric: '*', days: 90, maxBytes: null, summariesDays: 3650 }];
  const answer = await change(gateway, {
    retention: [{ device: 'pump-*', days: 90, summariesDays: 3650 }],
    backup: { keep: 3 },
    liveness: { pingSeconds: 1 },
  });
  expect(answer.status).toBe(200);
  const set = { source: 'console', from: 'console', isEditable: true };
  const shows = async (): Promise<void> => {
    expect(await settingOf(gateway, 'retention')).toEqual({ key: 'retention', value: rules, ...set });
    expect(await settingOf(gateway, 'backup.keep')).toEqual({ key: 'backup.keep', value: 3, ...set });
    expect(await settingOf(gateway, 'backup.every')).toMatchObject({ value: 'never', from: 'default' });
  };
  await shows();
  // of one change, in its order; the newest first
  expect(await auditOf(gateway)).toMatchObject([
    { act: 'settings.change', target: 'liveness.pingSeconds', detail: '25 to 1' },
    { act: 'settings.change', target: 'backup.keep', detail: '7 to 3' },
    {
      actor: 'key test admin',
      act: 'settings.change',
      target: 'retention',
      detail: `[] to ${JSON.stringify(rules)}`,
      address: '127.0.0.1',
    },
  ]);
  await using device = await gateway.device('pump-1');
  expect((await device.hello('stream-00001')).pingSeconds).toBe(1);
  await new Promise((resolve) => device.ws.once('ping', resolve));

  await gateway.restart();
  await shows();
  // the same once more changes nothing, and is no act
  expect((await change(gateway, { backup: { keep: 3 } })).status).toBe(200);
  expect(await auditOf(gateway)).toHaveLength(3);
  expect((await change(gateway, { backup: { keep: null }, retention: null })).status).toBe(200);
  expect(await settingOf(gateway, 'backup.keep')).toMatchObject({ value: 7, from: 'default' });
  expect(await settingOf(gateway, 'retention')).toMatchObject({ value: [], from: 'default' });
  expect((await auditOf(gateway))[1]).toMatchObject({ act: 'settings.reset', target: 'backup.keep', detail: '3 to default: 7' });
});

test('what the file sets is refused with set-in-file, and nothing of the same change is taken', async () => {
  await using gateway = await startTestGateway({
    config: {
      backup: { every: 'never', keep: 2, dir: '' },
      retention: [{ device: '*', metric: '*', days: 9, maxBytes: null, summariesDays: null }],
    },
  });
  const answer = await change(gateway, { backup: { keep: 5 }, liveness: { pongSeconds: 4 } });
  expect([answer.status, answer.json()]).toMatchObject([
    409,
    { code: 'set-in-file', errors: [{ pointer: '/backup/keep', detail: expect.stringContaining('the program that started it') }] },
  ]);
  expect((await change(gateway, { retention: null })).json().code).toBe('set-in-file');
  expect(await settingOf(gateway, 'liveness.pongSeconds')).toMatchObject({ value: 10, from: 'default' });
  expect(await settingOf(gateway, 'backup.keep')).toMatchObject({ value: 2, isEditable: false });
  expect(await auditOf(gateway)).toEqual([]);
});

test.each([
  [{ backup: { every: '5 days', keep: 0 } }, ['/backup/every', '/backup/keep'], /never, or a number/],
  [
    { retention: [{ device: 'a' }, { days: 0 }, { maxBytes: 5, metric: '' }] },
    ['/retention/1/days', '/retention/2/metric', '/retention/2/maxBytes'],
    /whole number/,
  ],
  [{ retention: [{ days: 30, summariesDays: 3 }] }, ['/retention/0/summariesDays'], /no less than days/],
  [{ retention: [{ day: 30 }] }, ['/retention/0'], /did you mean days/],
  [{ retention: 'all' }, ['/retention'], /list of rules/],
  [{ backup: { evry: '1h' } }, ['/backup/evry'], /did you mean backup.every/],
  [{ backup: 7 }, ['/backup'], /map of keys/],
  [{ http: { port: 1 } }, ['/http'], /needs a restart/],
  [{ limits: { devices: 1 } }, ['/limits'], /needs a restart/],
  [{ colour: 'red' }, ['/colour'], /no such setting/],
  [{ backup: { dir: 'backups' } }, ['/backup/dir'], /absolute path/],
  [{ backup: { dir: '/no/such/folder' } }, ['/backup/dir'], /is not there/],
  [{ backup: { dir: '/etc/passwd' } }, ['/backup/dir'], /is no folder/],
])('%j is refused at its place', async (body, pointers, why) => {
  const gateway = await shared();
  const answer = await change(gateway, body);
  expect([answer.status, answer.json().code]).toEqual([422, 'invalid']);
  const { errors } = answer.json();
  expect(errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
  expect(errors[0].detail).toMatch(why);
  expect((await tryOut(gateway, body)).status).toBe(422);
  expect(await auditOf(gateway)).toEqual([]);
});

let once: Promise<TestGateway> | null = null;
function shared(): Promise<TestGateway> {
  once ??= startTestGateway();
  return once;
}
test('backups may not go among the files of the gateway itself', async () => {
  const gateway = await shared();
  for (const dir of [gateway.data, path.join(gateway.data, 'tls')]) {
    const answer = await change(gateway, { backup: { dir } });
    expect([answer.status, answer.json().errors?.[0]?.detail]).toEqual([422, expect.stringContaining('among the files of the gateway')]);
  }
  await gateway[Symbol.asyncDispose]();
});

test('of retention one is told beforehand what goes, and a rule that is set lets it go at once', LONG, async () => {
  await using gateway = await startTestGateway();
  const noise = await gateway.addDevice('noise-1');
  const calm = await gateway.addDevice('calm-1');
  const post = async (token: string, records: object[]): Promise<void> => {
    const answer = await gateway.request('/v1/readings', { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: records });
    expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  };
  const oldSeconds = 1_700_000_000;
  // what a chunk can make no smaller: 8 bytes each
  for (let pack = 0; pack < 200; pack++)
    await post(
      noise,
      Array.from({ length: 1000 }, (_, i) => ({ n: 'level', t: oldSeconds + pack * 1000 + i, v: Math.random() })),
    );
  await post(calm, [{ n: 'level', v: 1 }]);
  expect((await read(gateway)).unsealed).toBe(200_001);
  expect((await gateway.local('/v1/compact', { method: 'POST' })).text).toContain('compacted');
  expect((await read(gateway)).unsealed).toBe(0);

  const tried = await tryOut(gateway, { retention: [{ device: 'noise-*', days: 30 }, { maxBytes: 2 ** 20 }] });
  expect(tried.json().retention).toEqual([
    { devices: 1, series: 1, goneBeforeMs: expect.any(Number), readings: 200_000, going: 1, names: ['noise-1'], maxBytes: null },
    { devices: 1, series: 1, goneBeforeMs: null, readings: 0, going: 0, names: [], maxBytes: 2 ** 20 },
  ]);
  // half of them are older than this
  const days = (Date.now() / 1000 - (oldSeconds + 100_000)) / 86_400;
  const [part] = (await tryOut(gateway, { retention: [{ days: Math.floor(days) }] })).json().retention;
  expect(part.readings).toBeGreaterThan(100_000);
  expect(part.readings).toBeLessThan(200_001);

  const expired = async (): Promise<number> =>
    (await gateway.local('/v1/accounting')).json().items.reduce((sum: number, row: { expired: number }) => sum + row.expired, 0);
  expect(await expired()).toBe(0);
  expect((await change(gateway, { retention: [{ maxBytes: 2 ** 20 }] })).status).toBe(200);
  await until(async () => (await expired()) > 10_000);
  // for room, not for age: these came today, however old they say they are
  expect((await gateway.local('/v1/devices/calm-1/series')).json().items[0].count).toBe(1);
  const [event] = (await gateway.local('/v1/events')).json().items.filter(({ type }: { type: string }) => type === 'retention');
  expect(event).toMatchObject({ reason: 'size', detail: { devices: '*', metrics: '*' } });
});

test('a schedule of backups that is set makes one at once, keeps as many as it says, and stops when it is taken back', LONG, async () => {
  await using gateway = await startTestGateway();
  using folder = createFolder();
  const dir = path.join(folder.path, 'kept');
  mkdirSync(dir);
  for (const day of ['01', '02', '03']) writeFileSync(path.join(dir, `fieldgate-202001${day}T000000Z.db`), '');
  const backups = async (): Promise<BackupView[]> => (await gateway.local('/v1/backups')).json().items;
  expect(await backups()).toEqual([]);
  expect((await change(gateway, { backup: { dir, keep: 2 } })).status).toBe(200);
  expect(await backups()).toHaveLength(3);
  expect((await change(gateway, { backup: { every: '1m' } })).status).toBe(200);
  await until(async () => (await backups()).length === 2);
  const [newest, second] = await backups();
  expect(newest?.bytes).toBeGreaterThan(1000);
  expect(newest?.file.startsWith(dir)).toBe(true);
  expect(path.basename(second?.file ?? '')).toBe('fieldgate-20200103T000000Z.db');
  expect(existsSync(path.join(gateway.data, 'backups'))).toBe(false);
  // taken back, the gateway looks where it always looked
  expect((await change(gateway, { backup: { dir: null, every: null, keep: null } })).status).toBe(200);
  expect(await backups()).toEqual([]);
  expect(readdirSync(dir)).toHaveLength(2);
});

test('the audit is asked for by what its acts are about, page by page, and a page belongs to its question', async () => {
  await using gateway = await startTestGateway();
  for (const keep of [2, 3, 4]) expect((await change(gateway, { backup: { keep } })).status).toBe(200);
  const page = async (query: string) => (await gateway.admin(`/v1/audit?${query}`)).json();
  const first = await page('q=BACKUP.keep&limit=2');
  expect(first.items.map(({ detail }: AuditView) => detail)).toEqual(['3 to 4', '2 to 3']);
  const second = await page(`q=BACKUP.keep&limit=2&next=${first.next}`);
  expect([second.items.map(({ detail }: AuditView) => detail), second.next]).toEqual([['7 to 2'], null]);
  expect(await page(`limit=2&next=${first.next}`)).toMatchObject({ code: 'bad-token' });
  expect(await page('q=nobody-did-this')).toEqual({ items: [], next: null });
});

test('rows of the registry that cannot be used are passed over, and the default holds', async () => {
  await using gateway = await startTestGateway();
  expect((await change(gateway, { backup: { keep: 4 } })).status).toBe(200);
  const file = path.join(gateway.data, 'registry.db');
  const registry = await openSqliteRegistry({ file, migrationsDir: path.join(import.meta.dirname, '../../migrations/registry') });
  await registry.commit([
    { put: 'settings', row: { id: 'retention', value: '[{"days":-1}]' } },
    { put: 'settings', row: { id: 'backup.every', value: '{' } },
    { put: 'settings', row: { id: 'of.another.version', value: '1' } },
  ]);
  await registry.close();
  await gateway.restart();
  expect(await settingOf(gateway, 'retention')).toMatchObject({ value: [], from: 'default' });
  expect(await settingOf(gateway, 'backup.every')).toMatchObject({ value: 'never', from: 'default' });
  expect(await settingOf(gateway, 'backup.keep')).toMatchObject({ value: 4, from: 'console' });
});

test('config set, config unset and config show are the command line of the same, running and stopped', LONG, async () => {
  using folder = createFolder();
  const data = path.join(folder.path, 'data');
  folder.file('fieldgate.yaml', 'backup:\n  keep: 9\n');
  const run = (...args: string[]) => runCli([...args, '--data', data], { cwd: folder.path });
  const shown = async (): Promise<Record<string, { value: unknown; source: string }>> =>
    JSON.parse((await run('config', 'show', '--json')).stdout);
  const gateway = startCli(['start', '--data', data, '--port', '0', '--host', '127.0.0.1'], { cwd: folder.path });
  await gateway.until('stdout', /^ready /m);
  expect(await run('config', 'set', 'backup.every', '24h')).toMatchObject({ code: 0, stderr: 'backup.every is set, and in force\n' });
  expect(await run('config', 'set', 'retention', '[{device: "pump-*", days: 90}]')).toMatchObject({ code: 0 });
  const inFile = await run('config', 'set', 'backup.keep', '3');
  expect([inFile.code, inFile.stderr]).toEqual([1, expect.stringMatching(/backup\.keep is set by .*fieldgate\.yaml:2; .*\(set-in-file\)/)]);
  expect(await run('config', 'set', 'http.port', '1')).toMatchObject({ code: 1, stderr: expect.stringMatching(/needs a restart/) });
  expect(await run('config', 'set', 'backup.every', '')).toMatchObject({ code: 2 });
  expect((await shown())['backup.every']).toEqual({ value: '24h', source: 'console' });
  await gateway[Symbol.asyncDispose]();

  expect(await shown()).toMatchObject({
    'backup.every': { value: '24h', source: 'console' },
    retention: { value: [{ device: 'pump-*', metric: '*', days: 90, maxBytes: null, summariesDays: null }], source: 'console' },
    'backup.keep': { value: 9, source: expect.stringMatching(/fieldgate\.yaml:2$/) },
  });
  expect(await run('config', 'unset', 'backup.every')).toMatchObject({ code: 0 });
  expect((await shown())['backup.every']).toEqual({ value: 'never', source: 'default' });
  // the file has it now: what the console had set is kept, and not in force
  folder.file('fieldgate.yaml', 'retention: []\n');
  const other = await run('config', 'show', '--json');
  expect(JSON.parse(other.stdout).retention).toEqual({ value: [], source: expect.stringMatching(/fieldgate\.yaml:1$/) });
  expect(other.stderr).toMatch(/^retention as the console has set it is not in force: it is set by .*fieldgate\.yaml:1 now$/m);
});
