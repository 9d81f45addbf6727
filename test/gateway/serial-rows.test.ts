// What a serial line can say that it should not, through real pseudo-terminals into a gateway's database: each port goes on, what was
// good is stored, and the rest is counted or kept.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AccountingRow, QuarantineView, SerialPortView } from '../../gateway/protocol/rest.ts';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import type { FramingSettings } from '../../gateway/transports/serial/framing-settings.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import type { RuleSettings } from '../../gateway/transports/serial/rules-settings.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 90_000;
const LINE: FramingSettings = { kind: 'line' };
const VALUE: RuleSettings = { kind: 'csv', columns: [{ metric: 'value' }] };

/** A port of the gateway for each row, whose device has its name. */
const PORTS = {
  endless: [LINE, VALUE],
  noise: [LINE, VALUE],
  floods: [LINE, VALUE],
  slow: [LINE, { kind: 'csv', columns: [{ metric: 'value' }, { metric: 'other' }] }],
  ends: [LINE, VALUE],
  text: [LINE, { kind: 'csv', columns: [{ metric: 'value', as: 'text' }] }],
  boat: [{ kind: 'nmea' }, { kind: 'nmea' }],
  checked: [LINE, { kind: 'csv', columns: [{ metric: 'value' }], checksum: 'xor' }],
  numbers: [LINE, { kind: 'csv', columns: [{ metric: 'value' }], separator: ';' }],
  commas: [LINE, { kind: 'csv', columns: [{ metric: 'value' }], separator: ';', decimalComma: true }],
  fields: [LINE, VALUE],
  objects: [LINE, { kind: 'json' }],
} as const satisfies Record<string, readonly [FramingSettings, RuleSettings]>;
type PortName = keyof typeof PORTS;

let gateway: TestGateway;
let folder: string;
const plugs = new Map<string, SerialPlug>();

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-dev-')));
  const ports: SerialPortSettings[] = [];
  for (const [i, [device, [framing, rule]]] of Object.entries(PORTS).entries()) {
    const plug = await plugSerial({ folder, id: `usb-${device}-if00`, name: `ttyUSB${i}` });
    plugs.set(device, plug);
    const line = { baudRate: 115_200, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' } as const;
    ports.push({ path: plug.path, ...line, device, framing, rule, expectEverySeconds: null });
  }
  gateway = await startTestGateway({ config: { serial: { ports } } });
  await until(
    async () => (await views()).every((view) => view.state === 'open'),
    () => 'a port did not open',
  );
}, TIMEOUT_MS);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const plug of plugs.values()) await plug[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function views(): Promise<readonly SerialPortView[]> {
  return (await gateway.admin('/v1/serial')).json().items;
}
async function viewOf(device: PortName): Promise<SerialPortView> {
  return (await views()).find((view) => view.device === device)!;
}
async function valuesOf(device: PortName, metric = 'value'): Promise<unknown[]> {
  const { readings = [] } = (await gateway.admin(`/v1/readings?device=${device}&metric=${metric}&from=now-1h`)).json();
  return readings.map(([, value]: [number, unknown]) => value);
}
async function refusedOf(device: PortName): Promise<QuarantineView[]> {
  return (await gateway.admin(`/v1/quarantine?device=${device}`)).json().items;
}
/** Waits until the device has a reading with this value; everything before it has its fate by then. */
async function heard(device: PortName, value: unknown, metric = 'value'): Promise<unknown[]> {
  await until(
    async () => (await valuesOf(device, metric)).at(-1) === value,
    () => `${device} has no ${metric} ${value}`,
  );
  return valuesOf(device, metric);
}
async function faultsOf(device: PortName, wanted: Record<string, unknown>): Promise<void> {
  await expect.poll(async () => (await viewOf(device)).faults, { timeout: 10_000 }).toMatchObject(wanted);
}
function plugOf(device: PortName): SerialPlug {
  return plugs.get(device)!;
}

test('W1 megabytes without a newline are dropped and counted, and the line after them is read', { timeout: TIMEOUT_MS }, async () => {
  const plug = plugOf('endless');
  await plug.sayAll('1\n');
  for (let megabyte = 0; megabyte < 5; megabyte++) await plug.sayAll(Buffer.alloc(1_000_000, 'x'));
  await plug.sayAll('\n2\n');
  expect(await heard('endless', 2)).toEqual([1, 2]);
  await faultsOf('endless', { 'line-too-long': expect.any(Number) });
  expect((await viewOf('endless')).bytes).toBe(5_000_005);
});

test('W2 what arrives at a wrong baud rate is undecodable, is counted and kept, and a right line is read again', async () => {
  const plug = plugOf('noise');
  for (let i = 0; i < 20; i++) await plug.sayAll(Buffer.from([0x80 | i, 0xfe, 0x07, i | 0x80, 0x0a]));
  await plug.sayAll('3\n');
  expect(await heard('noise', 3)).toEqual([3]);
  await faultsOf('noise', { undecodable: 20 });
  const rows = await refusedOf('noise');
  expect(rows).toHaveLength(20);
  expect(rows[0]).toMatchObject({ code: 'undecodable' });
});

test('W3 floods of NUL, 0xFF, XON and XOFF are lines too long, and change nothing in how the line is read', {
  timeout: TIMEOUT_MS,
}, async () => {
  const plug = plugOf('floods');
  for (const byte of [0x00, 0xff, 0x11, 0x13]) await plug.sayAll(Buffer.concat([Buffer.alloc(100_000, byte), Buffer.from(`\n${byte}\n`)]));
  expect(await heard('floods', 0x13)).toEqual([0x00, 0xff, 0x11, 0x13]);
  await faultsOf('floods', { 'line-too-long': expect.any(Number) });
});

test('W4 a line may come byte by byte; one that stops for longer than the gap is stale', { timeout: TIMEOUT_MS }, async () => {
  const plug = plugOf('slow');
  for (const byte of '21.5,40\n') {
    await plug.sayAll(byte);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await heard('slow', 21.5)).toEqual([21.5]);
  await plug.sayAll('33,4');
  await faultsOf('slow', { 'stale-partial': 1 });
  await plug.sayAll('\n44,5\n');
  expect(await heard('slow', 44)).toEqual([21.5, 44]);
});

test('W5 CR, LF and both in either order end a line, and empty lines are nothing', async () => {
  await plugOf('ends').sayAll('1\r2\n3\r\n4\n\r\n\n\r\r5\r\n\r\n6\n');
  expect(await heard('ends', 6)).toEqual([1, 2, 3, 4, 5, 6]);
  expect((await viewOf('ends')).faults).toEqual({});
});

test('W6 a character may be cut by a chunk; bytes that are no UTF-8 make their line undecodable and no other', async () => {
  const plug = plugOf('text');
  const [first, second] = [Buffer.from('caf\xc3', 'latin1'), Buffer.from('\xa9\n', 'latin1')];
  await plug.sayAll(first);
  await until(
    async () => (await viewOf('text')).bytes === first.byteLength,
    () => 'the first half was not read',
  );
  await plug.sayAll(second);
  await plug.sayAll(Buffer.from('caf\xff\n', 'latin1'));
  await plug.sayAll('tea\n');
  expect(await heard('text', 'tea')).toEqual(['café', 'tea']);
  await faultsOf('text', { undecodable: 1 });
});

test('W7 a checksum that is wrong or missing puts the sentence into quarantine, with its bytes', async () => {
  const boat = plugOf('boat');
  const depth = (metres: string) => buildSentence('SDDPT', [metres, '0.0']);
  const wrong = depth('7.0').replace('7.0', '7.1');
  const missing = depth('7.0').slice(0, -3);
  await boat.sayAll(`${depth('6.5')}\r\n${wrong}\r\n${missing}\r\n${depth('8.5')}\r\n`);
  const metric = 'depth';
  expect(await heard('boat', 8.5, metric)).toEqual([6.5, 8.5]);
  await faultsOf('boat', { 'bad-checksum': 2 });
  const rows = await refusedOf('boat');
  expect(new Set(rows.map((row) => `${row.code} ${row.raw}`))).toEqual(new Set([`bad-checksum ${missing}`, `bad-checksum ${wrong}`]));

  const checked = plugOf('checked');
  await checked.sayAll(`1*31\n2*31\n3\n4*34\n`);
  expect(await heard('checked', 4)).toEqual([1, 4]);
  await faultsOf('checked', { 'bad-checksum': 2 });
});

test('W8 a number is a decimal number, with a comma where the rule says so, and everything else is refused', async () => {
  await plugOf('numbers').sayAll(['1.5', '1,5', 'nan', '0x1F', '1e999', '--3', '-Infinity', '2e2'].map((line) => `${line}\n`).join(''));
  expect(await heard('numbers', 200)).toEqual([1.5, 200]);
  await faultsOf('numbers', { 'bad-number': 6 });
  expect(new Set((await refusedOf('numbers')).map((row) => row.raw))).toEqual(new Set(['1,5', 'nan', '0x1F', '1e999', '--3', '-Infinity']));
  await plugOf('commas').sayAll('1,5\n1.5\n2\n');
  expect(await heard('commas', 2)).toEqual([1.5, 2]);
  await faultsOf('commas', { 'bad-number': 1 });
});

test('W13 more than 64 fields are refused and kept, and 10,000 are more than a line may hold', async () => {
  const plug = plugOf('fields');
  await plug.sayAll(`${'1,'.repeat(99)}1\n${'1,'.repeat(9_999)}1\n5\n`);
  expect(await heard('fields', 5)).toEqual([5]);
  await faultsOf('fields', { 'too-many-fields': 1, 'line-too-long': expect.any(Number) });
  expect(await refusedOf('fields')).toMatchObject([{ code: 'too-many-fields', raw: `${'1,'.repeat(99)}1` }]);
});

test('W15 keys that mean something to programs are refused, and escapes for terminals are only text', async () => {
  const plug = plugOf('objects');
  await plug.sayAll('{"__proto__":{"admin":true}}\n{"constructor":1}\n');
  await plug.sayAll('{"state":"\\u001b[31mred"}\n\x1b[2J{"value":1}\n{"value":2}\n');
  expect(await heard('objects', 2)).toEqual([2]);
  expect(await valuesOf('objects', 'state')).toEqual(['\u001b[31mred']);
  await faultsOf('objects', { 'no-match': 2, undecodable: 1 });
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
});

test('after all of it every frame of every port has an explanation', async () => {
  for (const device of Object.keys(PORTS)) {
    const items: AccountingRow[] = (await gateway.admin(`/v1/accounting?device=${device}&verify=true`)).json().items;
    expect(items, device).toMatchObject([{ stream: '~serial', unexplained: 0 }]);
    expect(items[0]!.settled, device).toBe(items[0]!.stored + items[0]!.quarantined + items[0]!.gaps);
  }
});
