// The message `ports`: what a device says of serial ports elsewhere, in the list of the gateway for as long as it is there.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { createBridgedPorts } from '../../gateway/ingest/bridged-ports.ts';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const frame = {
  number: 1,
  atMs: 1_700_000_000_000,
  raw: '21.5\u0007',
  encoding: 'utf8',
  bytes: 5,
  outcome: 'readings',
  readings: 1,
  says: 't 21.5',
};
const slave = {
  slave: 17,
  state: 'failing',
  sinceAt: '2026-01-01T00:00:00.000Z',
  requests: 10,
  answers: 8,
  timeouts: 1,
  crcErrors: 1,
  exceptions: 0,
  faults: { timeout: 1 },
  lastError: 'no answer in time',
  lastErrorAt: '2026-01-01T00:00:01.000Z',
  lastAnswerAt: null,
  roundTripMs: 12.5,
  nextAskAt: null,
};
const port = {
  path: '/dev/ttyUSB0',
  device: 'far-1',
  state: 'open',
  reason: '',
  mend: '',
  sinceAt: '2026-01-01T00:00:00.000Z',
  baudRate: 9600,
  framing: 'line',
  rule: 'csv',
  expectEverySeconds: null,
  linesPerSecond: 0.5,
  bytes: 10,
  lines: 2,
  readings: 2,
  errors: 0,
  faults: { 'bad-number': 1 },
  skipped: {},
  lastFrames: [frame],
  slaves: [slave],
};
const message = (...ports: object[]): object => ({ type: 'ports', bridge: 'shed', ports });
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
const listed = async (gateway: TestGateway): Promise<SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;

test('what a device tells of its ports is listed as it was told, and as absent once it has gone', async () => {
  await using gateway = await startTestGateway();
  const device = await gateway.device('far-1');
  await device.hello('stream-00001');
  device.send(message({ ...port, more: 'of a later version' }));
  device.send({ type: 'readings', seq: 1, readings: [{ n: 'x', v: 1 }] });
  expect(await device.next()).toEqual({ type: 'ack', seq: 1 });
  expect(await listed(gateway)).toEqual([
    { ...port, id: expect.stringMatching(/^bridge-[0-9a-f]{12}$/), origin: 'bridge', bridge: 'shed', settings: null },
  ]);
  const [{ id } = { id: '' }] = await listed(gateway);
  const refused = await gateway.local(`/v1/serial/${id}`, { method: 'DELETE' });
  expect(refused.json()).toMatchObject({ code: 'set-in-file', detail: 'It is set on the bridge shed.' });
  device.send(message({ ...port, state: 'silent', reason: 'nothing came for 60 s' }));
  device.send(message());
  device.send(message(port));
  device.send({ type: 'readings', seq: 2, readings: [{ n: 'x', v: 1 }] });
  await device.next();
  const reasons = (await gateway.local('/v1/events?device=far-1'))
    .json()
    .items.map(({ type, reason }: Record<string, string>) => [type, reason]);
  expect(reasons).toContainEqual(['port-silent', 'nothing came for 60 s']);
  await device[Symbol.asyncDispose]();
  await expect.poll(async () => (await listed(gateway))[0]?.reason).toBe('the bridge shed is not connected');
  expect((await listed(gateway))[0]).toMatchObject({ state: 'absent', linesPerSecond: 0 });
});

test.each([
  ['no bridge', { type: 'ports', ports: [] }],
  ['a bridge with a line break', { type: 'ports', bridge: 'a\nb', ports: [] }],
  ['ports that are no list', { type: 'ports', bridge: 'shed', ports: {} }],
  ['33 ports', message(...Array.from({ length: 33 }, (_, i) => ({ ...port, path: `/dev/${i}` })))],
  ['one port twice', message(port, port)],
  ['the port of another device', message({ ...port, device: 'far-2' })],
  ['a state that there is not', message({ ...port, state: 'fine' })],
  ['a path of 600 characters', message({ ...port, path: 'x'.repeat(600) })],
  ['a reason with an escape', message({ ...port, reason: '\u001b[2J' })],
  ['a count below 0', message({ ...port, lines: -1 })],
  ['a rate that is none', message({ ...port, linesPerSecond: '1' })],
  ['a time that is none', message({ ...port, sinceAt: 'now' })],
  ['faults that are no counts', message({ ...port, faults: { x: 1.5 } })],
  ['65 last lines', message({ ...port, lastFrames: Array.from({ length: 65 }, () => frame) })],
  ['a last line of 600 characters', message({ ...port, lastFrames: [{ ...frame, raw: 'x'.repeat(600) }] })],
  ['a last line that is no base64', message({ ...port, lastFrames: [{ ...frame, raw: 'a-b', encoding: 'base64' }] })],
  ['a last line of no day', message({ ...port, lastFrames: [{ ...frame, atMs: 1e300 }] })],
  ['a day that there is not', message({ ...port, sinceAt: '2026-99-99T00:00:00.000Z' })],
  ['a slave whose time is none', message({ ...port, slaves: [{ ...slave, nextAskAt: 'soon' }] })],
  ['a slave in a state that there is not', message({ ...port, slaves: [{ ...slave, state: 'fine' }] })],
])('ports with %s are answered with an error that is not fatal, and nothing of it is listed', async (what, told) => {
  const id = `ports-${what.replaceAll(/\W/g, '-')}`;
  await using device = await gateway.device(id);
  await device.hello('stream-00001');
  device.send(JSON.parse(JSON.stringify(told).replaceAll('far-1', id)));
  expect(await device.next()).toMatchObject({ type: 'error', code: 'bad-ports', fatal: false });
  expect((await listed(gateway)).filter((one) => one.device === id)).toEqual([]);
  device.send({ type: 'readings', seq: 1, readings: [{ n: 'x', v: 1 }] });
  expect(await device.next()).toEqual({ type: 'ack', seq: 1 });
});

test('bad ports without end close the session', async () => {
  await using device = await gateway.device('endless-1');
  for (let i = 0; i < DEFAULTS.limits.unreadablePerMinute; i++) {
    device.send({ type: 'ports' });
    expect(await device.next()).toMatchObject({ code: 'bad-ports', fatal: false });
  }
  device.send({ type: 'ports' });
  expect(await device.next()).toMatchObject({ code: 'bad-ports', fatal: true });
  expect(await device.closed()).toMatchObject({ code: 4400 });
});

test('a record that its device could not read is quarantined with its own reason and bytes, beside good ones', async () => {
  await using device = await gateway.device('unread-1');
  const refused = { code: 'bad-checksum', message: 'The checksum is wrong.', raw: '$GPGGA*00', encoding: 'utf8' };
  const readings = [{ n: 'x', v: 1 }, { refused }, { refused: { ...refused, raw: '/w==', encoding: 'base64' } }, { n: 'y', v: 2, refused }];
  device.send(readings);
  expect(await device.next()).toMatchObject({
    readings: 2,
    errors: [
      { index: 1, code: 'bad-checksum', message: 'The checksum is wrong.' },
      { index: 2, code: 'bad-checksum' },
    ],
  });
  const { items } = (await gateway.local('/v1/quarantine?device=unread-1')).json();
  expect(items).toMatchObject([
    { code: 'bad-checksum', raw: '/w==', encoding: 'base64' },
    { code: 'bad-checksum', message: 'The checksum is wrong.', raw: '$GPGGA*00', encoding: 'utf8' },
  ]);
});

test.each([
  ['a code with blanks', { code: 'Not a code', message: '', raw: 'x', encoding: 'utf8' }],
  ['a message with an escape', { code: 'bad', message: '\u001b[2J', raw: 'x', encoding: 'utf8' }],
  ['no bytes', { code: 'bad', message: '', raw: '', encoding: 'utf8' }],
  ['bytes that are not base64', { code: 'bad', message: '', raw: 'a-b', encoding: 'base64' }],
  ['another encoding', { code: 'bad', message: '', raw: 'x', encoding: 'hex' }],
  ['a text in its place', 'bad'],
])('S1 a refused record with %s is a record without a value', async (what, refused) => {
  await using device = await gateway.device(`refused-${what.replaceAll(/\W/g, '-')}`);
  device.send([{ refused }]);
  expect(await device.next()).toMatchObject({ readings: 0, errors: [{ index: 0, code: 'no-value' }] });
});

test('bridged ports are forgotten a day after their bridge, and when there is no room for those that are there', () => {
  let nowMs = 0;
  const states: string[] = [];
  const ports = createBridgedPorts({ nowMs: () => nowMs, changed: ({ state }) => states.push(state) });
  const told = (device: string, state = 'open') => ({ type: 'ports', bridge: 'shed', ports: [{ ...port, device, state }] });
  const [one, two] = [{ device: 'one' }, { device: 'two' }];
  expect(ports.take(one, told('one'), 1000)).toBeNull();
  ports.leave(one);
  nowMs = 86_400_000;
  expect(ports.views().map(({ device, state }) => [device, state])).toEqual([['one', 'absent']]);
  nowMs++;
  expect(ports.views()).toEqual([]);

  expect(ports.take(one, told('one'), 2 ** 21)).toBeNull();
  expect(ports.take(two, told('two'), 2 ** 21)).toBeNull();
  expect(ports.take({ device: 'three' }, told('three'), 1)).toBe('too-many-bridges');
  // a session that was replaced says nothing about the one that replaced it
  expect(ports.take({ device: 'two' }, told('two'), 2 ** 21)).toBeNull();
  ports.leave(two);
  expect(ports.views().map(({ state }) => state)).toEqual(['open', 'open']);
  ports.leave(one);
  expect(ports.take({ device: 'three' }, told('three'), 1)).toBeNull();
  expect(ports.views().map(({ device }) => device)).toEqual(['two', 'three']);

  states.length = 0;
  const flapping = { device: 'three' };
  for (let i = 0; i < 500; i++) ports.take(flapping, told('three', i % 2 === 0 ? 'absent' : 'open'), 1);
  expect(states.length).toBeLessThanOrEqual(60);
  nowMs += 60_000;
  ports.take(flapping, told('three', 'silent'), 1);
  expect(states.at(-1)).toBe('silent');
});
