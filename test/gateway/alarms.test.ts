// The gateway's own alarms, each by its cause: raised, told on /v1/alarms, /v1/stats and /metrics, and over when the cause is gone.

import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { ALARM_NAMES } from '../../gateway/protocol/event-types.ts';
import type { AlarmView, EventView } from '../../gateway/protocol/rest.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { DAY_MS, selfSigned } from '../support/test-certificates.ts';

const MIB = 1024 * 1024;
const LONG = { timeout: 90_000 };
const PATIENCE = { timeout: 30_000 };

const alarms = async (gateway: TestGateway): Promise<AlarmView[]> => (await gateway.local('/v1/alarms')).json().items;
const names = async (gateway: TestGateway): Promise<string[]> => (await alarms(gateway)).map(({ name }) => name);
const told = async (gateway: TestGateway, type: string): Promise<string[]> =>
  (await gateway.local(`/v1/events?type=${type}`)).json().items.map((event: EventView) => event.reason);
const metric = async (gateway: TestGateway, name: string): Promise<string | undefined> =>
  new RegExp(`^fieldgate_alarm\\{name="${name}"\\} (.*)$`, 'm').exec((await gateway.local('/metrics')).text)?.[1];

function openFolder(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-alarms-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

test('disk-low and disk-full: told while they last, the gravest first, with since when, in the stats and as a metric', LONG, async () => {
  let freeBytes = 900 * MIB;
  await using gateway = await startTestGateway({ readVolume: async () => ({ freeBytes, totalBytes: 1000 * MIB }) });
  expect(await alarms(gateway)).toEqual([]);
  for (const name of ALARM_NAMES) expect(await metric(gateway, name)).toBe('0');

  freeBytes = 150 * MIB;
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'disk-low', severity: 'warning', device: null, port: null }]);
  const [{ sinceMs, message }] = (await alarms(gateway)) as [AlarmView];
  expect(Math.abs(Date.now() - sinceMs)).toBeLessThan(30_000);
  expect(message).toContain('Make room there.');
  freeBytes = 140 * MIB;
  await expect.poll(async () => (await alarms(gateway))[0]?.message, PATIENCE).toContain('140 MiB');
  expect((await alarms(gateway))[0]?.sinceMs).toBe(sinceMs);
  expect((await gateway.local('/v1/stats')).json().alarms).toEqual(await alarms(gateway));
  expect(await metric(gateway, 'disk-low')).toBe('1');
  const asViewer = await gateway.request('/v1/alarms', { headers: { Authorization: `Bearer ${await gateway.key('viewer')}` } });
  expect(asViewer.json()).toEqual({ items: await alarms(gateway), next: null });

  freeBytes = 20 * MIB;
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'disk-full', severity: 'critical' }]);
  freeBytes = 900 * MIB;
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
  expect(await metric(gateway, 'disk-full')).toBe('0');
  expect([...(await told(gateway, 'disk-full')), ...(await told(gateway, 'disk-freed'))]).toEqual(['paused', 'resumed']);
});

test('port-silent and port-lost: a sensor that says nothing, and one that is unplugged', LONG, async () => {
  await using plug = await plugSerial();
  const port = {
    path: plug.path,
    baudRate: 115_200,
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
    flowControl: 'none',
    device: 'mast',
  } as const;
  const rule = { framing: { kind: 'line' }, rule: { kind: 'csv', columns: [{ metric: 'v' }] }, expectEverySeconds: 1 } as const;
  await using gateway = await startTestGateway({ config: { serial: { ports: [{ ...port, ...rule }] } } });
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'port-silent', severity: 'warning', device: 'mast' }]);
  const [{ message, port: id }] = (await alarms(gateway)) as [AlarmView];
  expect(message).toMatch(/of mast: nothing came for \d+ s\. To mend it: check cable and power/);
  expect((await gateway.local('/v1/serial')).json().items[0].id).toBe(id);
  const speaking = setInterval(() => plug.say('1\n'), 200);
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
  clearInterval(speaking);
  await plug.unplug();
  await expect.poll(() => names(gateway), PATIENCE).toEqual(['port-lost']);
  const again = setInterval(() => plug.say('1\n'), 200);
  await plug.replug('ttyUSB0');
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
  clearInterval(again);
});

test('quarantine-growing: a hundred refusals in ten minutes, over when they are dealt with', LONG, async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('broken-1');
  device.send(Array.from({ length: 99 }, () => ({ n: 'a' })));
  await device.next();
  await using other = await gateway.device('broken-2');
  other.send([{ n: 'a' }, { n: 'b' }]);
  await other.next();
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'quarantine-growing', device: null }]);
  expect((await alarms(gateway))[0]?.message).toMatch(/^101 records were refused in the last 10 minutes, 99 of them from broken-1/);
  await expect.poll(() => told(gateway, 'quarantine-growing'), PATIENCE).toEqual(['raised']);
  await gateway.local('/v1/quarantine?device=broken-1', { method: 'DELETE' });
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
  await expect.poll(() => told(gateway, 'quarantine-growing'), PATIENCE).toEqual(['over', 'raised']);
});

test('duplicate-identity: two senders take it from each other, over when one of them lost its token', LONG, async () => {
  await using gateway = await startTestGateway();
  const sockets = [await gateway.device('pump-1')];
  for (let i = 0; i < 5; i++) {
    sockets.push(await gateway.device('pump-1'));
    await sockets[i]?.closed();
  }
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'duplicate-identity', device: 'pump-1' }]);
  expect((await alarms(gateway))[0]?.message).toContain('127.0.0.1');
  await gateway.local('/v1/devices/pump-1/tokens', { method: 'POST', body: { overlapSeconds: 0 } });
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
  for (const socket of sockets) socket.ws.terminate();
});

test('store-went-back: devices remember more than the gateway; one alarm for all of them', LONG, async () => {
  await using gateway = await startTestGateway();
  for (const id of ['pump-1', 'pump-2']) {
    await using device = await gateway.device(id);
    await device.hello('stream-00001', { oldest: 8, next: 8, acked: 7 });
  }
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'store-went-back', device: null }]);
  expect((await alarms(gateway))[0]?.message).toMatch(/^2 devices remember more acknowledged frames/);
  expect((await told(gateway, 'store-went-back')).length).toBe(2);
});

test('backup-failed: the folder cannot be written, over with the next one that can', LONG, async () => {
  using folder = openFolder();
  const dir = path.join(folder.path, 'backups');
  writeFileSync(dir, 'a file, and no folder');
  await using gateway = await startTestGateway({ config: { backup: { every: '1d', keep: 3, dir } } });
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'backup-failed', severity: 'warning' }]);
  expect((await alarms(gateway))[0]?.message).toMatch(/^The last backup failed: /);
  expect(await told(gateway, 'backup-failed')).toEqual(['failed']);
  rmSync(dir);
  const answer = await gateway.local('/v1/backups', { method: 'POST', body: {} });
  expect(answer.text).toContain('backed-up');
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
});

test('certificate-ending: an own certificate near its end, over when its files are replaced', LONG, async () => {
  using folder = openFolder();
  const files = { cert: path.join(folder.path, 'own.crt'), key: path.join(folder.path, 'own.key') };
  const write = async (days: number): Promise<void> => {
    const pair = await selfSigned({ fromMs: Date.now() - 60 * DAY_MS, toMs: Date.now() + days * DAY_MS });
    writeFileSync(files.key, pair.key, { mode: 0o600 });
    writeFileSync(files.cert, pair.cert);
  };
  await write(5);
  await using gateway = await startTestGateway({ config: { tls: files } });
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'certificate-ending', severity: 'warning' }]);
  expect((await alarms(gateway))[0]?.message).toMatch(/ends on \d{4}-\d\d-\d\d at \d\d:\d\d UTC.*Put new files in the place/);
  await expect.poll(() => told(gateway, 'certificate-ending'), PATIENCE).toEqual(['raised']);
  await write(90);
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
});

test('wal-large: the write-ahead log has grown, over when it is small again', LONG, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const wal = path.join(gateway.data, 'fieldgate.db-wal');
  await expect.poll(() => statSync(wal, { throwIfNoEntry: false })?.size ?? 0, PATIENCE).toBeGreaterThan(0);
  // what is behind the last frame is never read
  truncateSync(wal, 300 * MIB);
  await expect.poll(() => names(gateway), PATIENCE).toEqual(['wal-large']);
  expect((await alarms(gateway))[0]?.message).toContain('300 MiB');
  await expect.poll(() => told(gateway, 'wal-large'), PATIENCE).toEqual(['raised']);
  truncateSync(wal, 64 * MIB);
  await expect.poll(() => names(gateway), PATIENCE).toEqual([]);
});

test('chunk-damaged: stored readings that cannot be read any more', LONG, async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send(Array.from({ length: 1000 }, (_, i) => ({ n: 'a', t: 1_700_000_000 + i, v: i / 7 })));
  await device.next();
  expect((await gateway.local('/v1/compact', { method: 'POST' })).text).toContain('compacted');
  const db = new Database(path.join(gateway.data, 'fieldgate.db'));
  db.exec('UPDATE chunks SET content = zeroblob(length(content))');
  db.close();
  await gateway.local('/v1/readings?device=pump-1&metric=a&from=0&to=now');
  await expect.poll(() => alarms(gateway), PATIENCE).toMatchObject([{ name: 'chunk-damaged', severity: 'critical' }]);
  expect(await told(gateway, 'chunk-damaged')).toEqual(['set-aside']);
});
