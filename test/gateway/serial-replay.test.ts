// A capture replayed: the readings of its port once more, at its pace or faster, in a stream that says what it is.

import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { expect, test } from 'vitest';
import { CAPTURE_TYPE } from '../../gateway/protocol/capture-format.ts';
import { captureOf, eventsOf, newsOf, port, readingsOf, replay, until, viewsOf } from '../support/captures.ts';
import { startTestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { startSimGateway } from '../support/sim-gateway.ts';
import { createSimFolder, runSim } from '../support/sim-process.ts';

const TIMEOUT_MS = 90_000;

test('speeds, times, pauses and what is not whole', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('again');
  await gateway.addDevice('later');
  const startedMs = Date.UTC(2025, 0, 1);
  // a line that stops for longer than the gap is stale, whatever the speed; one that comes in two reads is one
  const file = captureOf([
    [0, '1\n'],
    [1000, '2'],
    [500, '5\nnonsense\n'],
    [500, '9'],
    [5000, '\n3\n\n'],
  ]);
  const max = newsOf(await replay(gateway, 'device=again&speed=max', file));
  expect(max.at(-1)).toEqual({
    type: 'ended',
    outcome: 'whole',
    passedMs: 7000,
    bytes: 19,
    frames: 4,
    readings: 3,
    skipped: {},
    faults: { 'bad-number': 1, 'stale-partial': 1 },
    refused: { 'bad-number': 1 },
    leftOutBytes: 0,
    hangUps: 0,
  });
  expect(await readingsOf(gateway, 'again')).toEqual([
    [startedMs, 1],
    [startedMs + 1500, 25],
    [startedMs + 7000, 3],
  ]);
  const [books] = (await gateway.local('/v1/accounting?device=again&verify=true')).json().items;
  expect(books).toMatchObject({ stream: '~serial-replay', settled: 4, stored: 3, quarantined: 1, unexplained: 0 });
  const [refused] = (await gateway.local('/v1/quarantine?device=again')).json().items;
  expect(refused).toMatchObject({ stream: '~serial-replay', code: 'bad-number', raw: 'nonsense' });
  await until(async () => (await eventsOf(gateway, 'again')).length === 2);
  const [ended, begun] = await eventsOf(gateway, 'again');
  expect(begun).toMatchObject({
    reason: 'begun',
    detail: { captured: new Date(startedMs).toISOString(), speed: 'max', times: 'captured' },
  });
  expect(ended).toMatchObject({ reason: 'ended', detail: { frames: 4, readings: 3, outcome: 'whole' } });

  // 7 s of the line in 0.7
  const beganMs = Date.now();
  const running = replay(gateway, 'device=later&speed=10&times=now', file);
  await until(async () => (await viewsOf(gateway)).length === 1);
  expect((await viewsOf(gateway))[0]).toMatchObject({
    origin: 'replay',
    device: 'later',
    path: '/dev/was',
    state: 'open',
    framing: 'line',
    bridge: null,
  });
  expect(newsOf(await running).at(-1)).toMatchObject({ type: 'ended', readings: 3 });
  expect(Date.now() - beganMs).toBeGreaterThan(650);
  expect(await viewsOf(gateway)).toEqual([]);
  const [one, two, three] = await readingsOf(gateway, 'later');
  expect(one?.[0]).toBeGreaterThanOrEqual(beganMs);
  expect([two![0] - one![0], three![0] - one![0]].map(Math.round)).toEqual([150, 700]);

  const cut = newsOf(await replay(gateway, 'device=again&speed=max', file.subarray(0, file.length - 40)));
  expect(cut.at(-1)).toMatchObject({ type: 'ended', outcome: 'cut-short' });
  const damaged = Buffer.from(file);
  damaged[damaged.length - 40]! ^= 1;
  expect(newsOf(await replay(gateway, 'device=again&speed=max', damaged)).at(-1)).toMatchObject({
    type: 'ended',
    outcome: 'damaged',
    frames: 0,
  });
});

test('framing and rule are those of the capture, of a port, or those that are named; what cannot be is refused before anything is stored', async () => {
  await using plug = await plugSerial();
  await using gateway = await startTestGateway({
    config: { serial: { ports: [port(plug.path)] } },
    limits: { serialCaptureBytes: 1024 * 1024 },
  });
  await gateway.addDevice('again');
  const bare = captureOf([[0, '1;2\n']], {});
  const rule = encodeURIComponent(JSON.stringify({ kind: 'csv', separator: ';', columns: [null, { metric: 'weight' }] }));
  expect(newsOf(await replay(gateway, `device=again&speed=max&rule=${rule}`, bare)).at(-1)).toMatchObject({ readings: 1 });
  expect((await readingsOf(gateway, 'again')).map(([, value]) => value)).toEqual([2]);
  const id = (await viewsOf(gateway)).find(({ origin }) => origin === 'file')!.id;
  const ported = await replay(gateway, `device=again&speed=max&port=${id}`, captureOf([[0, '7\n']], {}));
  expect(newsOf(ported).at(-1)).toMatchObject({ readings: 1 });

  const refusal = async (query: string, body: Uint8Array, type?: string) => (await replay(gateway, query, body, type)).json();
  const good = captureOf([[0, '1\n']]);
  expect(await refusal('device=again', bare)).toMatchObject({ status: 400, code: 'bad-capture', detail: expect.stringContaining('rule') });
  expect(await refusal('device=again', Buffer.from('$GPGGA\n'))).toMatchObject({ status: 400, code: 'bad-capture' });
  expect(await refusal('device=again&rule=morse', good)).toMatchObject({
    status: 400,
    code: 'bad-serial',
    errors: [{ pointer: '/rule/kind' }],
  });
  expect(await refusal('device=again&framing=%7B', good)).toMatchObject({
    status: 400,
    code: 'bad-serial',
    errors: [{ pointer: '/framing/kind' }],
  });
  expect(await refusal('device=again&port=none', good)).toMatchObject({ status: 404 });
  expect(await refusal('device=nobody', good)).toMatchObject({ status: 404 });
  expect(await refusal('device=again&speed=0', good)).toMatchObject({ status: 400, code: 'bad-request' });
  expect(await refusal('device=again&speed=fast', good)).toMatchObject({ status: 400, code: 'bad-request' });
  expect(await refusal('device=again&loud=1', good)).toMatchObject({ status: 400, code: 'unknown-parameter' });
  expect(await refusal('device=again', good, 'text/csv')).toMatchObject({ status: 415 });
  expect(await refusal('device=again', Buffer.alloc(1024 * 1024 + 1, '{'))).toMatchObject({ status: 413, code: 'body-too-large' });
  const bus = {
    ...port('/dev/bus'),
    framing: {
      kind: 'modbus-rtu',
      groups: [{ slave: 1, read: 'holding', address: 0, everyMs: 1000, points: [{ metric: 'a', at: 0, type: 'u16' }] }],
    },
    rule: undefined,
  };
  const modbus = await refusal('device=again', captureOf([[0, '1']], bus));
  expect(modbus).toMatchObject({ status: 400, code: 'bad-capture', detail: expect.stringContaining('Modbus') });
  await gateway.local('/v1/devices/again', { method: 'PATCH', body: { status: 'suspended' } });
  expect(await refusal('device=again', good)).toMatchObject({ status: 403, code: 'suspended' });
  await until(async () => (await eventsOf(gateway, 'again')).length === 4);
});

test('a replay ends with its client, two run at once, and a stop of the gateway stores what was read', async () => {
  await using gateway = await startTestGateway();
  for (const device of ['a', 'b', 'c']) await gateway.addDevice(device);
  const long = captureOf([
    [0, '1\n'],
    [3_600_000, '2\n'],
  ]);
  const headers = { Authorization: `Bearer ${await gateway.key('admin')}`, 'Content-Type': CAPTURE_TYPE };
  const start = (device: string) => {
    const options = {
      host: '127.0.0.1',
      port: gateway.port,
      headers,
      ca: gateway.caPem,
      servername: 'localhost',
      agent: false,
      method: 'POST',
    };
    const call = request({ ...options, path: `/v1/serial/replay?device=${device}` });
    call.on('error', () => undefined);
    call.on('response', (answer) => answer.on('error', () => undefined).resume());
    call.end(long);
    return call;
  };
  const first = start('a');
  start('b');
  await until(async () => (await viewsOf(gateway)).length === 2);
  const third = await replay(gateway, 'device=c', long);
  expect(third.json()).toMatchObject({ status: 503, code: 'busy' });
  expect(third.headers['retry-after']).toBeDefined();
  await until(async () => (await readingsOf(gateway, 'a')).length === 1);
  first.destroy();
  await until(async () => (await eventsOf(gateway, 'a')).length === 2);
  expect((await eventsOf(gateway, 'a'))[0]).toMatchObject({ reason: 'stopped', detail: { readings: 1, outcome: null } });
  await until(async () => (await readingsOf(gateway, 'b')).length === 1);
  // one whose device is suspended meanwhile stores nothing more
  const short = replay(
    gateway,
    'device=c',
    captureOf([
      [0, '1\n'],
      [2000, '2\n'],
    ]),
  );
  await until(async () => (await readingsOf(gateway, 'c')).length === 1);
  await gateway.local('/v1/devices/c', { method: 'PATCH', body: { status: 'suspended' } });
  expect(newsOf(await short).at(-1)).toMatchObject({ type: 'stopped' });
  expect(await readingsOf(gateway, 'c')).toHaveLength(1);
  await gateway.restart();
  expect((await eventsOf(gateway, 'b')).map(({ reason }) => reason)).toEqual(['stopped', 'begun']);
  expect(await viewsOf(gateway)).toEqual([]);
});

test('the simulator sends the readings of a capture as a device, at the times of the capture', { timeout: TIMEOUT_MS }, async () => {
  await using gateway = await startSimGateway();
  using folder = createSimFolder();
  const startedMs = Date.UTC(2025, 0, 1);
  const reads = Array.from({ length: 300 }, (_, i) => [20, `${i}\n${i % 100 === 0 ? '#\n' : ''}`] as const);
  const file = folder.file('scale.capture', '');
  writeFileSync(file, captureOf(reads));
  const credentials = [
    '--token-file',
    folder.file('token', await gateway.addDevice('scale')),
    '--key-file',
    folder.file('key', gateway.apiKey),
  ];
  const flags = ['replay', '--url', gateway.wsUrl, ...credentials, '--device', 'scale'];
  const end = await runSim([...flags, '--file', file, '--json']);
  expect(JSON.parse(end.stdout)).toMatchObject({ isEqual: true, ok: true, skipped: { comment: 3 } });
  const query = 'device=scale&metric=weight&from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&limit=10000';
  const { readings } = await gateway.get<{ readings: [number, number][] }>(`/v1/readings?${query}`);
  expect(readings).toEqual(reads.map((_, i) => [startedMs + 20 * (i + 1), i]));
  const other = await runSim([...flags, '--file', folder.file('no.capture', '$GPGGA\n')]);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('no capture of a serial line')]);
});
