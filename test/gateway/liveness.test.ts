// Pings, the cut of dead peers, and that a stall of the gateway costs nobody.

import { expect, test } from 'vitest';
import { createLiveness } from '../../gateway/transports/liveness.ts';
import type { Watched } from '../../gateway/transports/transport.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { startTestGateway } from '../support/gateway.ts';
import { openSlowLink } from '../support/slow-link.ts';
import { connectSocket } from '../support/socket.ts';

const QUICK = { config: { liveness: { pingSeconds: 1, pongSeconds: 1 } } };

test('F15 a peer that never answers is cut without a handshake, and the event says ping-timeout', async () => {
  await using gateway = await startTestGateway(QUICK);
  await using device = await gateway.device('pump-1', { autoPong: false });
  expect((await device.closed()).code).toBe(1006);
  await expect
    .poll(async () => (await gateway.admin('/v1/events?device=pump-1')).json().items[0])
    .toMatchObject({ type: 'offline', reason: 'ping-timeout' });
});

test('F14 any byte is life: data without pongs, and pongs nobody asked for, keep a connection', async () => {
  await using gateway = await startTestGateway(QUICK);
  await using talking = await gateway.device('pump-1', { autoPong: false });
  await using ponging = await gateway.device('pump-2', { autoPong: false });
  await using silent = await gateway.device('pump-3', { autoPong: false });
  const timer = setInterval(() => {
    talking.send([{ n: 'a', v: 1 }]);
    ponging.ws.pong();
  }, 200);
  try {
    await silent.closed();
    // two further silent connections die one after the other while these live on
    for (let i = 0; i < 2; i++) await (await gateway.device('pump-3', { autoPong: false })).closed();
    expect(talking.ws.readyState).toBe(talking.ws.OPEN);
    expect(ponging.ws.readyState).toBe(ponging.ws.OPEN);
  } finally {
    clearInterval(timer);
  }
});

test("a device's own pingSeconds holds for it", async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  await gateway.admin('/v1/devices/pump-1', { method: 'PATCH', body: { pingSeconds: 1 } });
  await using device = await gateway.device('pump-1');
  expect((await device.hello('stream-00001')).pingSeconds).toBe(1);
  await new Promise((resolve) => device.ws.once('ping', resolve));
});

test('F13 more than ten pings in ten seconds close 1008; a burst that leaves no time to answer is cut', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  for (let i = 0; i < 11; i++) {
    const answered = new Promise((resolve) => device.ws.once('pong', resolve));
    device.ws.ping();
    await Promise.race([answered, device.closed()]);
  }
  expect((await device.closed()).code).toBe(1008);
  await using burst = await gateway.device('pump-2');
  for (let i = 0; i < 50; i++) burst.ws.ping();
  expect([1006, 1008]).toContain((await burst.closed()).code);
});

test('a gateway that was stopped for longer than its deadlines cuts no healthy connection', { timeout: 60_000 }, async () => {
  const env = { FIELDGATE_LIVENESS__PING_SECONDS: '1', FIELDGATE_LIVENESS__PONG_SECONDS: '1' };
  await using gateway = await startChildGateway([], env);
  const devices = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => gateway.device((await gateway.local('POST', '/v1/devices', { id: `d-${i}` })).token)),
  );
  for (let round = 0; round < 2; round++) {
    process.kill(gateway.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the stall itself: longer than ping + pong
    process.kill(gateway.pid, 'SIGCONT');
    // a whole ping and answer after the stall
    await Promise.all(devices.map((device) => new Promise((resolve) => device.ws.once('ping', resolve))));
  }
  for (const device of devices) {
    device.send([{ n: 'a', v: 1 }]);
    expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
  }
});

test('F12 a slow link is not cut in the middle of an upload: every byte is life, also within a TLS record', async () => {
  await using gateway = await startTestGateway(QUICK);
  const token = await gateway.addDevice('pump-1');
  // quick until it is open, then a few kB/s: one frame takes longer than ping and pong together
  await using link = await openSlowLink(gateway.port, 3_000);
  const headers = { Authorization: `Bearer ${token}` };
  await using device = await connectSocket({ port: link.port, caPem: gateway.caPem, path: '/v1/device', headers, autoPong: false });
  device.send([{ n: 'a', vs: 'x'.repeat(1000) }, ...Array.from({ length: 300 }, (_, i) => ({ n: `metric-${i}`, v: i }))]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 301 });
});

test('F20 a device that takes no answers is not read, and the others do not notice', async () => {
  await using gateway = await startTestGateway();
  await using greedy = await gateway.device('pump-1');
  await using other = await gateway.device('pump-2');
  greedy.ws.pause();
  // each frame of 2 kB has an answer of some 100 kB
  const frame = JSON.stringify(Array(1000).fill(0));
  for (let i = 0; i < 400; i++) greedy.send(frame);
  await expect.poll(() => greedy.ws.bufferedAmount, { timeout: 20_000 }).toBeGreaterThan(0);
  let settled = -1;
  const books = async (): Promise<number> => (await gateway.admin('/v1/accounting?device=pump-1')).json().items[0]?.settled ?? 0;
  await expect
    .poll(
      async () => {
        const before = settled;
        settled = await books();
        return settled > 0 && settled === before;
      },
      { timeout: 20_000, interval: 1000 },
    )
    .toBe(true);
  expect(settled).toBeLessThan(400);
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toStrictEqual({ type: 'stored', readings: 1 });
  greedy.ws.resume();
  for (let i = 0; i < 400; i++) expect(await greedy.next()).toMatchObject({ type: 'stored', readings: 0 });
});

test('while we read nothing from a peer, its silence proves nothing', async () => {
  const liveness = createLiveness();
  const peer = (isWaitingForUs: boolean) => {
    const cut = Promise.withResolvers<void>();
    const pings = { count: 0 };
    const watched: Watched = {
      nextAtMs: 0,
      pingedAtMs: 0,
      bytesSeen: 0,
      heardAtMs: 0,
      heardBytes: 0,
      quietSinceMs: 0,
      bytesRead: 0,
      isMidMessage: false,
      isWaitingForUs,
      timing: { pingSeconds: 1, pongSeconds: 1 },
      ping: () => void pings.count++,
      cut: () => cut.resolve(),
      stalled: () => undefined,
    };
    liveness.watch(watched);
    return { cut: cut.promise, pings };
  };
  const paused = peer(true);
  const silent = peer(false);
  let isCut = false;
  void paused.cut.then(() => {
    isCut = true;
  });
  await silent.cut;
  await expect.poll(() => paused.pings.count, { timeout: 20_000 }).toBeGreaterThan(3);
  expect(isCut).toBe(false);
  liveness.close();
});
