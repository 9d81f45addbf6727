// The disk fills up under a running gateway and is freed again: it pauses, says so, loses nothing and goes on by itself.

import { expect, test } from 'vitest';
import type { Volume } from '../../gateway/storage/disk-watch.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const MIB = 1024 * 1024;
const PATIENCE = { timeout: 20_000 };

/** A volume of 1 GiB whose free space a test sets: below 100 MiB nothing may be stored. */
function createDisk(freeMib: number) {
  const disk = { freeMib };
  const readVolume = async (): Promise<Volume> => ({ freeBytes: disk.freeMib * MIB, totalBytes: 1000 * MIB });
  return { disk, readVolume };
}
async function eventsOf(gateway: TestGateway): Promise<string[]> {
  const { items } = (await gateway.local('/v1/events?device=&limit=100')).json();
  return items.filter((event: { device: string | null }) => event.device === null).map((event: { type: string }) => event.type);
}
const storage = async (gateway: TestGateway) => (await gateway.local('/v1/stats')).json().storage;
const reading = (seq: number) => ({ type: 'readings', seq, readings: [{ n: 't', v: seq }] });

test('below the limit nothing is acknowledged and the socket stays open; with room again everything sent meanwhile is stored once', async () => {
  const { disk, readVolume } = createDisk(500);
  await using gateway = await startTestGateway({ readVolume });
  await using device = await gateway.device('pump-1');
  await device.hello('stream-00001', { next: 1 });
  device.send(reading(1));
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
  expect((await gateway.request('/readyz')).status).toBe(200);

  disk.freeMib = 99;
  await expect.poll(async () => (await gateway.request('/readyz')).status, PATIENCE).toBe(503);
  const refused = (await gateway.request('/readyz')).json();
  expect(refused.code).toBe('store-unavailable');
  expect(refused.detail).toMatch(/^Only 99 MiB are free.*Make room there: from 150 MiB on it goes on by itself/);
  expect(await storage(gateway)).toMatchObject({ state: 'paused', freeBytes: 99 * MIB });
  await expect.poll(() => eventsOf(gateway)).toStrictEqual(['disk-full']);
  for (let seq = 2; seq <= 400; seq++) device.send(reading(seq));
  const answer = await gateway.request('/v1/readings', {
    method: 'POST',
    headers: { Authorization: `Bearer ${await gateway.addDevice('poster')}`, 'Content-Type': 'application/json' },
    body: [{ n: 't', v: 1 }],
  });
  expect([answer.status, answer.json().code]).toStrictEqual([503, 'store-unavailable']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);

  // a device that comes now is let in, and waits like the others
  await using late = await gateway.device('pump-2');
  late.send([{ n: 't', v: 7 }]);
  // what is stored can be read, and nothing was added to it
  expect((await gateway.admin('/v1/readings?device=pump-1&metric=t&from=now-1h&to=now')).json().readings).toHaveLength(1);
  expect((await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json().items).toMatchObject([{ settled: 1, unexplained: 0 }]);

  // more than the limit, but not enough to go on
  disk.freeMib = 149;
  await expect.poll(async () => (await storage(gateway)).freeBytes, PATIENCE).toBe(149 * MIB);
  expect((await gateway.request('/readyz')).status).toBe(503);
  disk.freeMib = 150;
  await device.until((message) => message.type === 'ack' && message.seq === 400);
  expect(await late.next()).toStrictEqual({ type: 'stored', readings: 1 });
  expect((await gateway.request('/readyz')).status).toBe(200);
  expect((await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json().items).toMatchObject([
    { settled: 400, stored: 400, gaps: 0, readings: 400, unexplained: 0 },
  ]);
  await expect.poll(() => eventsOf(gateway)).toStrictEqual(['disk-freed', 'disk-full']);
});

test('at twice the limit it warns once and goes on storing, however the free space wavers', async () => {
  const { disk, readVolume } = createDisk(500);
  await using gateway = await startTestGateway({ readVolume });
  await using device = await gateway.device('pump-1');
  for (const freeMib of [199, 205, 195, 249]) {
    disk.freeMib = freeMib;
    await expect.poll(async () => (await storage(gateway)).freeBytes, PATIENCE).toBe(freeMib * MIB);
    expect(await storage(gateway)).toMatchObject({ state: 'low', message: expect.stringContaining(`${freeMib} MiB are free`) });
  }
  device.send([{ n: 't', v: 1 }]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
  expect((await gateway.request('/readyz')).status).toBe(200);
  disk.freeMib = 400;
  await expect.poll(() => storage(gateway), PATIENCE).toStrictEqual({ state: 'storing', message: '', freeBytes: 400 * MIB });
  expect(await eventsOf(gateway)).toStrictEqual(['disk-low']);
});

test('store.minFreeBytes is obeyed as it is written, and 0 never pauses', async () => {
  const { readVolume } = createDisk(1);
  await using off = await startTestGateway({ readVolume, config: { store: { commitIntervalMs: 0, minFreeBytes: 0 } } });
  expect((await off.request('/readyz')).status).toBe(200);
  const { disk, readVolume: other } = createDisk(5);
  await using own = await startTestGateway({ readVolume: other, config: { store: { commitIntervalMs: 0, minFreeBytes: 6 * MIB } } });
  expect((await own.request('/readyz')).status).toBe(503);
  disk.freeMib = 100;
  await expect.poll(async () => (await own.request('/readyz')).status, PATIENCE).toBe(200);
});

test('a stop during the pause does not wait for the disk: devices hear 1012, and what was not acknowledged is theirs', async () => {
  const { disk, readVolume } = createDisk(500);
  await using gateway = await startTestGateway({ readVolume });
  await using device = await gateway.device('pump-1');
  await device.hello('stream-00001', { next: 1 });
  disk.freeMib = 50;
  await expect.poll(async () => (await gateway.request('/readyz')).status, PATIENCE).toBe(503);
  device.send(reading(1));
  disk.freeMib = 50;
  const startedMs = performance.now();
  const restarted = gateway.restart();
  const { code, reason } = await device.closed();
  expect(code).toBe(1012);
  expect(reason).toMatch(/^retry-after-ms=\d+$/);
  await restarted;
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  disk.freeMib = 500;
  await using again = await gateway.device('pump-1');
  const welcome = await again.hello('stream-00001', { oldest: 1, next: 2 });
  expect(welcome.acked).toBe(0);
  again.send(reading(1));
  expect(await again.next()).toStrictEqual({ type: 'ack', seq: 1 });
});

test('the pause is in the metrics', async () => {
  const { disk, readVolume } = createDisk(500);
  await using gateway = await startTestGateway({ readVolume });
  const metrics = async (): Promise<string> => (await gateway.local('/metrics')).text;
  expect(await metrics()).toMatch(/^fieldgate_storing 1$/m);
  disk.freeMib = 10;
  await expect.poll(metrics, PATIENCE).toMatch(/^fieldgate_storing 0$/m);
  expect(await metrics()).toMatch(new RegExp(`^fieldgate_disk_free_bytes ${10 * MIB}$`, 'm'));
  expect(await metrics()).toMatch(new RegExp(`^fieldgate_disk_min_free_bytes ${100 * MIB}$`, 'm'));
});
