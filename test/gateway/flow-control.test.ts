// What a device may send at once: slowed by not being read, never dropped, never closed.

import { expect, test } from 'vitest';
import { DEFAULTS } from '../../gateway/config.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const STREAM = 'stream-00001';
const reading = (seq: number): object => ({ type: 'readings', seq, readings: [{ n: 'a', v: seq }] });
const held = (gateway: TestGateway, reason: string): Promise<number> =>
  gateway
    .admin('/metrics')
    .then(({ text }) => Number(new RegExp(`fieldgate_device_holds_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0));
const stored = async (gateway: TestGateway, device: string): Promise<number[]> => {
  const values: number[] = [];
  for (let next = ''; ; ) {
    const page = (await gateway.admin(`/v1/readings?device=${device}&metric=a&from=now-1h&limit=10000${next}`)).json();
    values.push(...page.readings.map((row: number[]) => row[1]));
    if (page.next === null) return values;
    next = `&next=${page.next}`;
  }
};
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

test('F21 a device over its rate is slowed and counted: everything is stored in order, nobody is closed, others do not notice', async () => {
  await using gateway = await startTestGateway({ limits: { deviceFramesPerSecond: 400, deviceFramesBurst: 200 } });
  await using fast = await gateway.device('fast');
  await using other = await gateway.device('other');
  await fast.hello(STREAM);
  const startedMs = performance.now();
  for (let seq = 1; seq <= 1000; seq++) fast.send(reading(seq));
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toStrictEqual({ type: 'stored', readings: 1 });
  await fast.until((message) => message.type === 'ack' && message.seq === 1000);
  // 800 beyond the burst at 400 a second, less what a timer may be early
  expect(performance.now() - startedMs).toBeGreaterThan(1800);
  expect(await stored(gateway, 'fast')).toStrictEqual(upTo(1000));
  expect(await held(gateway, 'rate')).toBeGreaterThan(0);
});

test('readings are paced like frames', async () => {
  await using gateway = await startTestGateway({ limits: { deviceReadingsPerSecond: 2000, deviceReadingsBurst: 500 } });
  await using device = await gateway.device('pump-1');
  const startedMs = performance.now();
  for (let pack = 0; pack < 10; pack++) device.send(Array.from({ length: 250 }, (_, i) => ({ n: 'a', v: pack * 250 + i + 1 })));
  for (let pack = 0; pack < 10; pack++) expect(await device.next()).toStrictEqual({ type: 'stored', readings: 250 });
  expect(performance.now() - startedMs).toBeGreaterThan(700);
  expect(await stored(gateway, 'pump-1')).toStrictEqual(upTo(2500));
});

test('Q7 frames beyond the window are not read until acks are out; what was read already waits in order', async () => {
  await using gateway = await startTestGateway({ limits: { unackedFrames: 4 } });
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  for (let seq = 1; seq <= 2000; seq++) device.send(reading(seq));
  await device.until((message) => message.type === 'ack' && message.seq === 2000);
  expect(await stored(gateway, 'pump-1')).toStrictEqual(upTo(2000));
  expect(await held(gateway, 'window')).toBeGreaterThan(0);
});

test('what was read before a device left is stored, although it was over its rate and its window', async () => {
  await using gateway = await startTestGateway({ limits: { unackedFrames: 8, deviceFramesPerSecond: 20, deviceFramesBurst: 5 } });
  const device = await gateway.device('pump-1');
  await device.hello(STREAM);
  for (let seq = 1; seq <= 60; seq++) device.send(reading(seq));
  device.ws.close(1000);
  await device.closed();
  await expect.poll(() => stored(gateway, 'pump-1'), { timeout: 20_000 }).toStrictEqual(upTo(60));
});

test('a full budget of frames in flight holds the heavy devices and not the light one, and drops nothing', async () => {
  await using gateway = await startTestGateway({
    limits: { framesInFlightBytes: 1024 * 1024, deviceReadingsPerSecond: 0 },
    config: { store: { ...DEFAULTS.store, commitIntervalMs: 100 } },
  });
  await using light = await gateway.device('light');
  const heavy = await Promise.all(Array.from({ length: 24 }, (_, i) => gateway.device(`heavy-${i}`)));
  const blob = 'x'.repeat(900);
  await Promise.all(heavy.map((device) => device.hello(STREAM)));
  for (const device of heavy) {
    for (let seq = 1; seq <= 12; seq++)
      device.send({
        type: 'readings',
        seq,
        readings: [{ n: 'a', v: seq }, ...Array.from({ length: 40 }, () => ({ n: 'blob', vs: blob }))],
      });
  }
  for (let i = 1; i <= 5; i++) {
    light.send([{ n: 'a', v: i }]);
    expect(await light.next()).toStrictEqual({ type: 'stored', readings: 1 });
  }
  for (const device of heavy) await device.until((message) => message.type === 'ack' && message.seq === 12);
  for (let i = 0; i < heavy.length; i++) expect(await stored(gateway, `heavy-${i}`)).toStrictEqual(upTo(12));
  expect(await held(gateway, 'budget')).toBeGreaterThan(0);
  for (const device of heavy) device.ws.terminate();
});

test('short readings weigh by what they hold until they are on disk, not by their text: one frame of many is a full share', async () => {
  // a share of 64 KiB: two packs of 8 KiB of text are far from it
  await using gateway = await startTestGateway({
    limits: { framesInFlightBytes: 1024 * 1024, deviceReadingsPerSecond: 0 },
    config: { store: { ...DEFAULTS.store, commitIntervalMs: 100 } },
  });
  await using device = await gateway.device('pump-1');
  for (let pack = 0; pack < 2; pack++) device.send(Array.from({ length: 600 }, (_, i) => ({ n: 'a', v: pack * 600 + i + 1 })));
  for (let pack = 0; pack < 2; pack++) expect(await device.next()).toStrictEqual({ type: 'stored', readings: 600 });
  expect(await held(gateway, 'window')).toBeGreaterThan(0);
  expect(await stored(gateway, 'pump-1')).toStrictEqual(upTo(1200));
});

test('a device with more waiting than its share of a small budget goes on, and so do many at once', { timeout: 60_000 }, async () => {
  await using gateway = await startTestGateway({ limits: { framesInFlightBytes: 1024 * 1024 } });
  const inFlight = (): Promise<number> =>
    gateway.admin('/metrics').then(({ text }) => Number(/fieldgate_frames_in_flight_bytes (-?\d+)/.exec(text)?.[1]));
  const blob = 'x'.repeat(1000);
  const devices = await Promise.all(Array.from({ length: 60 }, (_, i) => gateway.device(`many-${i}`)));
  await Promise.all(devices.map((device) => device.hello(STREAM)));
  for (let seq = 1; seq <= 100; seq++)
    for (const device of devices)
      device.send({
        type: 'readings',
        seq,
        readings: [
          { n: 'a', v: seq },
          { n: 'blob', vs: blob },
        ],
      });
  await Promise.all(devices.map((device) => device.until((message) => message.type === 'ack' && message.seq === 100)));
  await expect.poll(inFlight).toBe(0);
  for (const device of devices) device.ws.terminate();
});

test('what waits in a connection that is taken over is forgotten, and the budget with it', async () => {
  await using gateway = await startTestGateway({ limits: { unackedFrames: 2, framesInFlightBytes: 1024 * 1024 } });
  const older = await gateway.device('pump-1');
  await older.hello(STREAM);
  for (let seq = 1; seq <= 3000; seq++) older.send(reading(seq));
  await using newer = await gateway.device('pump-1');
  const { acked } = await newer.hello(STREAM, { oldest: 1, next: 3001 });
  expect(await stored(gateway, 'pump-1')).toStrictEqual(upTo(acked));
  for (let seq = acked + 1; seq <= 3000; seq++) newer.send(reading(seq));
  await newer.until((message) => message.type === 'ack' && message.seq === 3000);
  await expect
    .poll(() => gateway.admin('/metrics').then(({ text }) => /fieldgate_frames_in_flight_bytes (-?\d+)/.exec(text)?.[1]))
    .toBe('0');
  expect(await stored(gateway, 'pump-1')).toStrictEqual(upTo(3000));
});

test('a frame of the wrong kind stands behind those that wait, and nothing after it counts', async () => {
  await using gateway = await startTestGateway({ limits: { unackedFrames: 2 } });
  const device = await gateway.device('pump-1');
  await device.hello(STREAM);
  for (let seq = 1; seq <= 6; seq++) device.send(reading(seq));
  device.ws.send(Buffer.from([0x80]));
  device.send(reading(7));
  const error = await device.until((message) => message.type === 'error');
  expect(error).toMatchObject({ code: 'unsupported-data', fatal: true, expected: 7 });
  expect((await device.closed()).code).toBe(1003);
  await expect.poll(() => stored(gateway, 'pump-1')).toStrictEqual(upTo(6));
});

test('a full house still lets a device take its own seat', async () => {
  await using gateway = await startTestGateway({ limits: { devices: 2 } });
  const first = await gateway.device('pump-1');
  await using second = await gateway.device('pump-2');
  expect(await gateway.device('pump-3').catch((error: { status: number }) => error.status)).toBe(503);
  await using again = await gateway.device('pump-1');
  expect(await first.closed()).toStrictEqual({ code: 4409, reason: 'superseded' });
  for (const device of [second, again]) {
    device.send([{ n: 'a', v: 1 }]);
    expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
  }
});
