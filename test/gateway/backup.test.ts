// fieldgate backup and restore as processes, and what becomes of devices whose gateway went back in time.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openTarget } from '../../gateway/client/target.ts';
import { openWsSocket } from '../../gateway/client/ws-socket.ts';
import { createDeviceClient, type DeviceClient } from '../../gateway/protocol/device-client.ts';
import { createMemoryBuffer } from '../../gateway/protocol/send-buffer.ts';
import { openApiHouse } from '../support/api-house.ts';
import type { ChildGateway } from '../support/child-gateway.ts';
import { createFolder, runCli } from '../support/cli-process.ts';
import { addDevice, post, postMany, startUpkeepGateway } from '../support/upkeep.ts';
import { until } from '../support/until.ts';

/** Processes are started one after the other, on a machine that may be busy. */
const LONG = { timeout: 180_000 };
/** The client's own waits, in a hurry. */
const HASTE = 0.01;

function openDevice(gateway: ChildGateway, token: string, stream: string, retainBytes: number): DeviceClient {
  const target = openTarget({ url: `ws://127.0.0.1:${gateway.port}` });
  return createDeviceClient({
    buffer: createMemoryBuffer({ stream, capacityBytes: 2 ** 24, retainBytes }),
    clock: {
      nowMs: Date.now,
      after(delayMs, run) {
        const timer = setTimeout(run, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    random: () => Math.random() * HASTE,
    software: 'backup-test',
    connect: (events) => openWsSocket({ target, token, onFault: () => undefined }, events),
  });
}
function send(device: DeviceClient, from: number, to: number): void {
  for (let i = from; i < to; i++) device.send([{ n: 'level', v: i, t: 1_700_000_000 + i }]);
}
async function levelsOf(gateway: ChildGateway, device: string): Promise<number[]> {
  const { readings } = await gateway.local('GET', `/v1/readings?device=${device}&metric=level&from=0&to=2000000000000&limit=10000`);
  return ((readings ?? []) as [number, number][]).map(([, value]) => value);
}
const numbers = (to: number): number[] => Array.from({ length: to }, (_, i) => i);

test('a backup under load is whole, and devices with long, short and empty buffers find their way after a restore', LONG, async () => {
  using folder = createFolder();
  await using gateway = await startUpkeepGateway();
  const tokens = {
    long: await addDevice(gateway, 'long'),
    short: await addDevice(gateway, 'short'),
    empty: await addDevice(gateway, 'empty'),
  };
  const busy = await addDevice(gateway, 'busy');
  const gone = await addDevice(gateway, 'gone');
  const devices = {
    long: openDevice(gateway, tokens.long, 'stream-long', 2 ** 23),
    short: openDevice(gateway, tokens.short, 'stream-short', 0),
    empty: openDevice(gateway, tokens.empty, 'stream-empty', 0),
  };
  const all = Object.values(devices);
  const allSettled = (): boolean => all.every(({ unsettled }) => unsettled === 0);
  for (const device of all) {
    device.start();
    send(device, 0, 100);
  }
  await until(allSettled, () => 'readings of devices are not settled');
  await postMany(gateway, busy, 5000);

  // readings come while it is copied: none of them is held up, and the copy is of one moment
  const file = path.join(folder.path, 'all.backup');
  let posted = 5000;
  let isOver = false;
  const load = (async () => {
    for (; !isOver; posted += 100) await post(gateway, busy, posted, posted + 100);
  })();
  const made = await runCli(['backup', file, '--json', '--data', gateway.data]);
  isOver = true;
  await load;
  expect(made.stderr).toMatch(/^verifying$/m);
  expect(made.code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path)).toEqual(['all.backup']);
  const { position } = JSON.parse(made.stdout) as { position: number };
  expect(position).toBeGreaterThanOrEqual(5300);

  for (const device of all) send(device, 100, 150);
  await until(allSettled, () => 'readings of devices are not settled');
  devices.empty.close();
  await gateway.local('DELETE', '/v1/devices/gone/tokens');
  const before = (await gateway.local('GET', '/v1/readings?device=long&metric=level&from=0&to=1&limit=1')) as { cursor: string };

  expect((await runCli(['restore', file, '--data', gateway.data])).code).toBe(75);
  await gateway.kill('SIGTERM');
  const restored = await runCli(['restore', file, '--data', gateway.data]);
  expect(restored.stderr).toMatch(/^revocations\.log has 1 lines/m);
  expect(restored.stderr).toMatch(/^what was there before is in .*before-restore-/m);
  expect(restored).toMatchObject({ code: 0, stdout: '' });
  await gateway.start();

  await until(
    async () => (await levelsOf(gateway, 'long')).length === 150,
    () => 'what the long buffer kept did not come again',
  );
  expect(await levelsOf(gateway, 'long')).toEqual(numbers(150));
  // nothing was kept: what came after the backup is lost, and the books say so
  await until(
    () => devices.short.state === 'online',
    () => 'the short buffer is not back',
  );
  send(devices.short, 150, 160);
  await until(
    () => devices.short.unsettled === 0,
    () => 'the short buffer is not settled',
  );
  expect(await levelsOf(gateway, 'short')).toEqual([...numbers(100), ...numbers(160).slice(150)]);
  const { items: events } = (await gateway.local('GET', '/v1/events?device=short')) as { items: { type: string }[] };
  expect(events.map(({ type }) => type)).toContain('store-went-back');
  // a device that remembers nothing but its stream and its counter
  await using lost = await gateway.device(tokens.empty);
  lost.send({ type: 'hello', stream: 'stream-empty', oldest: 151, next: 151 });
  const welcome = await lost.next();
  expect(welcome).toMatchObject({ type: 'welcome', acked: 150 });
  expect(`${(welcome as { store: string }).store}.`).not.toBe(before.cursor.replace(/\d+$/, ''));

  const accounts = (await gateway.local('GET', '/v1/accounting?verify=true')) as {
    items: { device: string; gaps: number; unexplained: number }[];
  };
  expect(accounts.items.every(({ unexplained }) => unexplained === 0)).toBe(true);
  expect(Object.fromEntries(accounts.items.map(({ device, gaps }) => [device, gaps]))).toMatchObject({ long: 0, short: 50, empty: 50 });
  const revived = await fetch(`http://127.0.0.1:${gateway.port}/v1/readings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gone}` },
  });
  expect(revived.status).toBe(401);
  expect((await runCli(['verify', '--data', gateway.data])).code).toBe(0);
  for (const device of all) device.close();
});

test('without revocations.log nothing is in force after a restore, and it is listed; --trust-backup leaves it', LONG, async () => {
  using folder = createFolder();
  await using gateway = await startUpkeepGateway();
  const token = await addDevice(gateway, 'pump-1');
  await postMany(gateway, token, 100);
  await gateway.local('POST', '/v1/keys', { name: 'board', role: 'viewer' });
  const file = path.join(folder.path, 'b.db');
  await gateway.kill('SIGTERM');
  const made = await runCli(['backup', file, '--data', gateway.data]);
  expect(made.stdout).toMatch(/^readings up to +100$/m);

  const careful = path.join(folder.path, 'careful');
  const { code, stdout, stderr } = await runCli(['restore', file, '--data', careful]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^device pump-1\nkey board \(.+\)\n$/);
  expect(stderr).toMatch(/nothing is in force/);
  const list = async (data: string): Promise<{ status: string }[]> =>
    JSON.parse((await runCli(['device', 'list', '--json', '--data', data])).stdout) as { status: string }[];
  expect(await list(careful)).toMatchObject([{ id: 'pump-1', status: 'suspended' }]);
  expect((await runCli(['key', 'list', '--json', '--data', careful])).stdout.trim()).toBe('[]');

  // the same once more: what the first restore has suspended is in its revocations.log
  expect((await runCli(['restore', file, '--data', careful])).stdout).toBe('');
  expect(await list(careful)).toMatchObject([{ status: 'suspended' }]);

  const trusting = path.join(folder.path, 'trusting');
  expect(await runCli(['restore', file, '--trust-backup', '--data', trusting])).toMatchObject({ code: 0, stdout: '' });
  expect(await list(trusting)).toMatchObject([{ status: 'active' }]);

  // another registry's log says nothing about this one
  const other = path.join(folder.path, 'other');
  expect((await runCli(['device', 'add', 'other-1', '--data', other])).code).toBe(0);
  expect(existsSync(path.join(other, 'revocations.log'))).toBe(true);
  expect((await runCli(['restore', file, '--data', other])).stdout).toMatch(/^device pump-1$/m);
});

test('what is no backup, is damaged or was cut short is refused, with the data as they were', LONG, async () => {
  using folder = createFolder();
  await using gateway = await startUpkeepGateway();
  await postMany(gateway, await addDevice(gateway, 'pump-1'), 3000);
  const file = path.join(folder.path, 'b.db');
  expect((await runCli(['backup', file, '--data', gateway.data])).code).toBe(0);
  const again = await runCli(['backup', file, '--data', gateway.data]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('is there already');
  expect(again.stderr).toContain('bad-backup');
  expect((await runCli(['backup', path.join(folder.path, 'none/b.db'), '--data', gateway.data])).stderr).toMatch(/there is no folder/);
  await gateway.kill('SIGTERM');

  const bytes = readFileSync(file);
  for (let at = 8192; at < bytes.length; at += 8192) bytes.fill(0xa5, at, at + 64);
  const cases: [string, RegExp][] = [
    [folder.file('damaged.db', bytes), /damaged|not what was backed up|no readable database/],
    [folder.file('short.db', readFileSync(file).subarray(0, 20_000)), /damaged|no readable database/],
    [folder.file('text.db', 'no database at all'.repeat(100)), /no readable database/],
    [path.join(folder.path, 'absent.db'), /there is no such file/],
  ];
  const other = new Database(path.join(folder.path, 'foreign.db'));
  other.exec('CREATE TABLE t (a)');
  other.close();
  cases.push([path.join(folder.path, 'foreign.db'), /no backup/]);
  const was = readFileSync(path.join(gateway.data, 'fieldgate.db'));
  for (const [name, why] of cases) {
    const refused = await runCli(['restore', name, '--data', gateway.data]);
    expect(refused.stderr).toMatch(why);
    expect(refused.code).toBe(1);
  }
  expect(readFileSync(path.join(gateway.data, 'fieldgate.db')).equals(was)).toBe(true);
  expect(readdirSync(gateway.data).filter((name) => /partial|before|restore/.test(name))).toEqual([]);

  writeFileSync(path.join(gateway.data, 'restore-under-way'), '');
  const cut = await runCli(['device', 'list', '--data', gateway.data]);
  expect(cut).toMatchObject({ code: 78, stderr: expect.stringContaining('was cut short') });
  expect((await runCli(['restore', file, '--data', gateway.data])).code).toBe(0);
  expect((await runCli(['verify', '--data', gateway.data])).code).toBe(0);
});

test('no secret is in a backup', LONG, async () => {
  using folder = createFolder();
  await using gateway = await startUpkeepGateway();
  const token = await addDevice(gateway, 'pump-1');
  await postMany(gateway, token, 10);
  const { secret, key } = await gateway.local('POST', '/v1/keys', { name: 'board', role: 'viewer' });
  const file = path.join(folder.path, 'b.db');
  expect((await runCli(['backup', file, '--data', gateway.data])).code).toBe(0);
  const content = readFileSync(file);
  for (const text of [token, secret ?? key]) expect(content.includes(text as string)).toBe(false);
});

test(
  'backups by schedule: one at the start when it is due, the oldest go beyond backup.keep, and one that fails is an event',
  LONG,
  async () => {
    using folder = createFolder();
    const dir = path.join(folder.path, 'shelf');
    mkdirSync(dir);
    for (const day of ['01', '02', '03']) writeFileSync(path.join(dir, `fieldgate-202601${day}T000000Z.db`), 'old');
    writeFileSync(path.join(dir, 'mine.db'), 'not ours');
    const env = { FIELDGATE_BACKUP__EVERY: '24h', FIELDGATE_BACKUP__KEEP: '2', FIELDGATE_BACKUP__DIR: dir };
    await using gateway = await startUpkeepGateway(env);
    const list = async (): Promise<{ file: string; bytes: number }[]> => (await gateway.local('GET', '/v1/backups')).items;
    await until(
      async () => (await list()).length === 2,
      () => 'there are not two backups',
    );
    const [newest, older] = await list();
    expect(newest?.bytes).toBeGreaterThan(8192);
    expect(path.basename(older?.file ?? '')).toBe('fieldgate-20260103T000000Z.db');
    expect(existsSync(path.join(dir, 'mine.db'))).toBe(true);
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.port}/metrics`)).text();
    expect(metrics).toMatch(/^fieldgate_backups_total\{outcome="made"\} 1$/m);
    expect(metrics).toMatch(/^fieldgate_backup_age_seconds \d/m);
  },
);

test('a backup that fails is told as an event, with nothing left of it', LONG, async () => {
  using folder = createFolder();
  // a file where the folder should be
  const dir = folder.file('shelf', 'a file');
  await using gateway = await startUpkeepGateway({ FIELDGATE_BACKUP__EVERY: '1h', FIELDGATE_BACKUP__DIR: path.join(dir, 'deeper') });
  await until(
    async () => {
      const { items } = (await gateway.local('GET', '/v1/events')) as { items: { type: string }[] };
      return items.some(({ type }) => type === 'backup-failed');
    },
    () => 'no event tells of it',
  );
});

test('over HTTP a backup goes into the folder of the schedule, and nowhere else', LONG, async () => {
  await using house = await openApiHouse();
  const refused = await house.ask('POST', '/v1/backups', { json: { file: '/tmp/elsewhere.db' } });
  expect(refused.status).toBe(422);
  const made = await house.ask('POST', '/v1/backups');
  expect(made.status).toBe(200);
  const last = JSON.parse(made.text.trim().split('\n').at(-1) ?? '') as { type: string; file: string };
  expect(last).toMatchObject({ type: 'backed-up' });
  const listed = await house.ask('GET', '/v1/backups');
  expect(listed.json).toMatchObject({ items: [{ file: last.file }], next: null });
});

test('the commands of docs/operations.md do what it says', LONG, async () => {
  using folder = createFolder();
  await using gateway = await startUpkeepGateway();
  await postMany(gateway, await addDevice(gateway, 'pump-1'), 100);
  const text = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const section = text.slice(text.indexOf('## Backup, restore'), text.indexOf('## Upgrading'));
  const commands = [...section.matchAll(/^npm run -s fieldgate -- (.+)$/gm)].map(([, args]) => (args as string).split(' '));
  expect(commands.map(([name]) => name)).toEqual(['backup', 'verify', 'compact', 'restore']);
  for (const args of commands) {
    if (args[0] === 'restore') await gateway.kill('SIGTERM');
    const there = args.map((arg) => arg.replace('/var/backups', folder.path));
    const { code, stdout, stderr } = await runCli([...there, '--data', gateway.data]);
    expect(code, `${there.join(' ')}: ${stdout}${stderr}`).toBe(0);
  }
  await gateway.start();
  expect((await gateway.local('GET', '/v1/stats')).readings).toBe(100);
  // and the YAML is one that is taken
  const yaml = /```yaml\n([^`]+)```/.exec(section)?.[1] ?? '';
  const checked = await runCli(['config', 'check', '--config', folder.file('fieldgate.yaml', yaml), '--data', gateway.data]);
  expect(checked.code).toBe(0);
});
