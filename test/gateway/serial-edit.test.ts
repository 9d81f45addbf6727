// Serial ports that come, change and go while the gateway runs: at once, without a restart, and without the others noticing.

import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SerialPortBody, SerialPortView } from '../../gateway/protocol/rest.ts';
import { openSqliteRegistry } from '../../gateway/storage/sqlite-registry.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { until as untilWithin } from '../support/until.ts';

const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  untilWithin(holds, () => holds.toString(), { patienceMs: 15_000 });
const csv = (...metrics: string[]) => ({ kind: 'csv' as const, columns: metrics.map((metric) => ({ metric })) });
const body = (path: string, more: SerialPortBody = {}): SerialPortBody => ({
  path,
  baudRate: 9600,
  device: 'weather-1',
  rule: csv('temperature'),
  ...more,
});
const fromFile = (path: string, device: string): SerialPortSettings => ({
  path,
  baudRate: 115_200,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device,
  framing: { kind: 'line' },
  rule: csv('temperature'),
  expectEverySeconds: null,
});
const start = (...ports: SerialPortSettings[]): Promise<TestGateway> => startTestGateway({ config: { serial: { ports } } });

const add = (gateway: TestGateway, ask: unknown): Promise<TestAnswer> =>
  gateway.admin('/v1/serial', { method: 'POST', body: ask as object });
const change = (gateway: TestGateway, id: string, ask: unknown): Promise<TestAnswer> =>
  gateway.admin(`/v1/serial/${id}`, { method: 'PUT', body: ask as object });
const remove = (gateway: TestGateway, id: string): Promise<TestAnswer> => gateway.admin(`/v1/serial/${id}`, { method: 'DELETE' });
const added = async (gateway: TestGateway, ask: SerialPortBody): Promise<SerialPortView> => {
  const answer = await add(gateway, ask);
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
  return answer.json();
};
const portsOf = async (gateway: TestGateway): Promise<SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;
const portOf = async (gateway: TestGateway, id: string): Promise<SerialPortView | undefined> =>
  (await portsOf(gateway)).find((port) => port.id === id);
const isOpen = (gateway: TestGateway, id: string) => until(async () => (await portOf(gateway, id))?.state === 'open');
const valuesOf = async (gateway: TestGateway, metric = 'temperature', device = 'weather-1'): Promise<number[]> => {
  const answer = await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=now-1h&to=${Date.now() + 60_000}&limit=10000`);
  return answer.status === 200 ? answer.json().readings.map(([, value]: [number, number]) => value) : [];
};
const holds = (gateway: TestGateway, values: readonly number[], metric?: string, device?: string) =>
  until(async () => JSON.stringify(await valuesOf(gateway, metric, device)) === JSON.stringify(values));
const auditOf = async (gateway: TestGateway): Promise<{ actor: string; act: string; target: string; detail: string }[]> =>
  (await gateway.local('/v1/audit')).json().items.filter((row: { act: string }) => row.act.startsWith('serial.'));
const eventsOf = async (gateway: TestGateway, device: string): Promise<string[]> =>
  (await gateway.local(`/v1/events?device=${device}`)).json().items.map((event: { type: string }) => event.type);

test('a port that is added to a gateway without any is read at once, and after a restart too', async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  const port = await added(gateway, body(plug.path, { framing: 'line', expectEverySeconds: 30 }));
  expect(port).toMatchObject({ path: plug.path, device: 'weather-1', origin: 'console', bridge: null, framing: 'line', rule: 'csv' });
  expect(port.settings).toEqual({
    ...body(plug.path),
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
    flowControl: 'none',
    framing: { kind: 'line' },
    expectEverySeconds: 30,
  });
  await isOpen(gateway, port.id);
  await plug.sayAll('21\n22\n');
  await holds(gateway, [21, 22]);
  const device = (await gateway.local('/v1/devices/weather-1')).json();
  expect(device).toMatchObject({ online: true, tokens: [], expectEverySeconds: 30 });
  await gateway.restart();
  await isOpen(gateway, port.id);
  await plug.sayAll('23\n');
  await holds(gateway, [21, 22, 23]);
  expect(await portOf(gateway, port.id)).toMatchObject({ settings: port.settings, origin: 'console' });
});

test('a port is changed and removed while another one is read, which loses no byte and is not opened anew', async () => {
  await using steady = await plugSerial();
  await using plug = await plugSerial({ id: 'usb-other', name: 'ttyUSB1', folder: folderOf(steady) });
  await using gateway = await start(fromFile(steady.path, 'steady-1'));
  const [own] = await portsOf(gateway);
  await isOpen(gateway, own.id);
  const openedAt = (await portOf(gateway, own.id))?.sinceAt;
  let said = 0;
  let isOver = false;
  const speaking = (async () => {
    // some 8,000 bytes a second, as a line of 115,200 baud brings them
    for (; !isOver; await wait(10)) await steady.sayAll(Array.from({ length: 16 }, () => `${++said}\n`).join(''));
  })();
  try {
    const port = await added(gateway, body(plug.path));
    await isOpen(gateway, port.id);
    await plug.sayAll('1\n');
    await holds(gateway, [1]);
    // speed, rule and device, one after the other
    expect((await change(gateway, port.id, body(plug.path, { baudRate: 19_200 }))).json()).toMatchObject({ id: port.id, baudRate: 19_200 });
    await isOpen(gateway, port.id);
    await plug.sayAll('2\n');
    await holds(gateway, [1, 2]);
    await change(gateway, port.id, body(plug.path, { baudRate: 19_200, rule: csv('humidity', 'temperature') }));
    await isOpen(gateway, port.id);
    await plug.sayAll('50,3\n');
    await holds(gateway, [1, 2, 3]);
    await holds(gateway, [50], 'humidity');
    await change(gateway, port.id, body(plug.path, { device: 'weather-2' }));
    await isOpen(gateway, port.id);
    await plug.sayAll('4\n');
    await holds(gateway, [4], 'temperature', 'weather-2');
    expect((await gateway.local('/v1/devices/weather-1')).json().online).toBe(false);
    expect((await gateway.local('/v1/devices/weather-2')).json().online).toBe(true);
    await plug.sayAll('5\n');
    await until(async () => (await portOf(gateway, port.id))?.lines === 2);
    expect((await remove(gateway, port.id)).status).toBe(204);
    expect(await portsOf(gateway)).toHaveLength(1);
    await holds(gateway, [4, 5], 'temperature', 'weather-2');
    expect((await gateway.local('/v1/devices/weather-2')).json()).toMatchObject({ status: 'active', online: false });
  } finally {
    isOver = true;
    await speaking;
  }
  await until(async () => (await portOf(gateway, own.id))?.lines === said);
  await until(async () => (await valuesOf(gateway, 'temperature', 'steady-1')).length === said);
  expect(await valuesOf(gateway, 'temperature', 'steady-1')).toEqual(Array.from({ length: said }, (_, i) => i + 1));
  expect(await portOf(gateway, own.id)).toMatchObject({ sinceAt: openedAt, errors: 0, faults: {} });
  expect((await eventsOf(gateway, 'steady-1')).filter((type) => type.startsWith('port-'))).toEqual(['port-open']);
});

test('a device with two ports is online as long as one of them is open', async () => {
  await using one = await plugSerial();
  await using other = await plugSerial();
  await using gateway = await start();
  const [first, second] = [await added(gateway, body(one.path)), await added(gateway, body(other.path))];
  await isOpen(gateway, first.id);
  await isOpen(gateway, second.id);
  await remove(gateway, first.id);
  await until(async () => (await portOf(gateway, first.id)) === undefined);
  const isOnline = async (): Promise<boolean> => (await gateway.local('/v1/devices/weather-1')).json().online;
  expect(await isOnline()).toBe(true);
  await remove(gateway, second.id);
  await until(async () => !(await isOnline()));
});

test('every act of an administrator is an event of the device and a row of the audit', async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  const port = await added(gateway, body(plug.path));
  await change(gateway, port.id, body(plug.path, { baudRate: 4800, expectEverySeconds: 5 }));
  // nothing is another than before, so nothing happens
  await change(gateway, port.id, body(plug.path, { baudRate: 4800, expectEverySeconds: 5 }));
  await remove(gateway, port.id);
  const rows = await auditOf(gateway);
  expect(rows.map(({ act }) => act)).toEqual(['serial.remove', 'serial.change', 'serial.add']);
  for (const row of rows)
    expect(row).toMatchObject({ actor: 'key test admin', target: plug.path, detail: expect.stringContaining(port.id) });
  expect(rows[1].detail).toBe(`${port.id}, baudRate expectEverySeconds`);
  await until(async () => (await eventsOf(gateway, 'weather-1')).includes('port-removed'));
  const types = (await eventsOf(gateway, 'weather-1')).filter((type) => /^port-(added|changed|removed)$/.test(type));
  expect(types).toEqual(['port-removed', 'port-changed', 'port-added']);
  expect((await remove(gateway, port.id)).json()).toMatchObject({ status: 404, code: 'not-found' });
  expect((await change(gateway, port.id, body(plug.path))).json()).toMatchObject({ status: 404, code: 'not-found' });
});

test('what the file sets is read-only', async () => {
  await using plug = await plugSerial();
  await using gateway = await start(fromFile(plug.path, 'steady-1'));
  const [own] = await portsOf(gateway);
  expect(own).toMatchObject({ origin: 'file', settings: fromFile(plug.path, 'steady-1') });
  for (const answer of [await change(gateway, own.id, body(plug.path)), await remove(gateway, own.id)])
    expect(answer.json()).toMatchObject({ status: 409, code: 'set-in-file' });
  await gateway.restart();
  expect((await portsOf(gateway))[0].id).toBe(own.id);
});

test('W11 a port that is there already is refused, through a link too, whoever set the first', async () => {
  await using plug = await plugSerial();
  await using other = await plugSerial({ id: 'usb-other', name: 'ttyUSB1', folder: folderOf(plug) });
  await using gateway = await start(fromFile(plug.path, 'steady-1'));
  mkdirSync(join(folderOf(plug), 'links'));
  const link = join(folderOf(plug), 'links', 'sensor');
  symlinkSync(plug.path, link);
  const refused = (await add(gateway, body(link))).json();
  expect(refused).toMatchObject({ status: 409, code: 'same-port', errors: [{ pointer: '/path' }] });
  expect(refused.detail).toContain('steady-1 in the configuration file');
  const port = await added(gateway, body(other.path));
  expect((await add(gateway, body(other.devicePath))).json()).toMatchObject({ status: 409, code: 'same-port' });
  expect((await change(gateway, port.id, body(plug.devicePath))).json()).toMatchObject({ status: 409, code: 'same-port' });
  // two at once: one of them
  await remove(gateway, port.id);
  const both = await Promise.all([add(gateway, body(other.path)), add(gateway, body(other.devicePath))]);
  expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]));
});

test('there are 32 ports at most', async () => {
  await using gateway = await start();
  for (let i = 0; i < 32; i++) await added(gateway, body(`/dev/none-${i}`));
  expect((await add(gateway, body('/dev/none-32'))).json()).toMatchObject({ status: 409, code: 'too-many-ports' });
  await until(async () => (await portsOf(gateway)).every(({ state }) => state === 'absent'));
  const [first] = await portsOf(gateway);
  expect((await change(gateway, first.id, body('/dev/none-0', { baudRate: 300 }))).status).toBe(200);
});

test('every fault of the settings is told with its place', async () => {
  await using gateway = await start();
  const faults = async (ask: unknown): Promise<[string, string][]> => {
    const answer = (await add(gateway, ask)).json();
    expect(answer).toMatchObject({ status: 400, code: 'bad-serial' });
    return answer.errors.map(({ pointer, detail }: { pointer: string; detail: string }) => [pointer, detail]);
  };
  expect(await faults({ path: 'ttyUSB0', baudRate: 1, device: 'no good', rule: 'nmae' })).toEqual([
    ['/path', expect.stringMatching(/^must be the absolute path/)],
    ['/baudRate', 'must be a whole number from 50 to 4000000, not 1'],
    ['/device', expect.stringMatching(/^must be a device id/)],
    ['/rule/kind', expect.stringMatching(/^must be a rule: csv, .*, not "nmae"; did you mean nmea\?$/)],
  ]);
  expect(await faults(body('/dev/x', { baudrate: 4800 } as SerialPortBody))).toEqual([
    ['', 'unknown key "baudrate"; did you mean baudRate?'],
  ]);
  expect(await faults(body('/dev/x', { framing: { kind: 'fixed', lengthBytes: 1, syncHex: 'aa55' } }))).toEqual([
    ['/framing/lengthBytes', expect.stringContaining('must be at least 2')],
  ]);
  expect(await faults(body('/dev/x', { rule: csv('a', 'a') }))).toEqual([['/rule', expect.stringContaining('a is there twice')]]);
  for (const nonsense of ['[]', '"x"', '1', 'null']) {
    const headers = { 'content-type': 'application/json' };
    const answer = (await gateway.admin('/v1/serial', { method: 'POST', body: nonsense, headers })).json();
    expect(answer).toMatchObject({ code: 'bad-serial', errors: [{ pointer: '', detail: expect.stringContaining('must be a port') }] });
  }
  expect(await portsOf(gateway)).toEqual([]);
});

test('a port of the console that is no good any more is shown with the reason, and can be mended', async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  const registry = await openSqliteRegistry({
    file: join(gateway.data, 'registry.db'),
    migrationsDir: join(import.meta.dirname, '../../migrations/registry'),
  });
  const row = (id: string, settings: string) => ({ put: 'serialPorts' as const, row: { id, settings, createdAtMs: 1 } });
  await registry.commit([row('old', JSON.stringify(body(plug.path, { rule: 'morse' }))), row('broken', '{')]);
  await registry.close();
  await gateway.restart();
  const ports = await portsOf(gateway);
  expect(Object.fromEntries(ports.map(({ id, state }) => [id, state]))).toEqual({ broken: 'failed', old: 'failed' });
  expect(await portOf(gateway, 'old')).toMatchObject({ path: plug.path, device: 'weather-1', rule: 'morse', origin: 'console' });
  expect((await portOf(gateway, 'old'))?.reason).toContain('rule.kind must be a rule');
  expect((await portOf(gateway, 'broken'))?.settings).toBe(null);
  expect(await gateway.observe.metrics()).toContain(`fieldgate_serial_port_state{port="${plug.path}",state="failed"} 1`);
  expect((await remove(gateway, 'broken')).status).toBe(204);
  expect((await change(gateway, 'old', body(plug.path))).status).toBe(200);
  await isOpen(gateway, 'old');
  await plug.sayAll('1\n');
  await holds(gateway, [1]);
});

test('the state of each port is a metric', async () => {
  await using plug = await plugSerial();
  await using gateway = await start();
  const port = await added(gateway, body(plug.path));
  await isOpen(gateway, port.id);
  const shown = async (state: string): Promise<boolean> =>
    (await gateway.observe.metrics()).includes(`fieldgate_serial_port_state{port="${plug.path}",state="${state}"} 1`);
  expect(await shown('open')).toBe(true);
  expect(await shown('absent')).toBe(false);
  await plug.unplug();
  await until(() => shown('absent'));
  await remove(gateway, port.id);
  expect(await gateway.observe.metrics()).not.toContain(`fieldgate_serial_port_state{port="${plug.path}"`);
});

test('what is attached is listed beside the device that reads it', async () => {
  await using gateway = await start();
  const answer = await gateway.admin('/v1/serial/attached');
  expect(answer.status).toBe(200);
  for (const port of answer.json().items) expect(port).toMatchObject({ path: expect.any(String), name: expect.any(String), device: null });
});

function folderOf(plug: SerialPlug): string {
  return dirname(plug.devicePath);
}
