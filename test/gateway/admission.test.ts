// The porch of the port at the sizes of a test run; test/fault/admission.ts has the crowds.

import { once } from 'node:events';
import { connect as plainConnect } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { PROMISED, runCrowd, runFlood, runStorm } from '../fault/admission.ts';
import { clientHello, gatherCrowd } from '../support/crowd.ts';
import { secretOf } from '../support/test-identity.ts';
import { openTestPort, type TestPort } from '../support/test-port.ts';

const HEALTH = { path: '/healthz' };
const dropped = ({ under }: TestPort, reason: string): number => under.observe.count('fieldgate_admission_dropped_total', reason);

test('H5 P13 1,000 sockets that send nothing are each closed within 12 s and cost little, and devices of the same address are served', async () => {
  const crowd = await runCrowd({ kind: 'mute', size: 1000 });
  expect(crowd.slowestCloseMs).toBeLessThan(PROMISED.closeMs);
  expect(crowd.bytesEach).toBeLessThan(PROMISED.bytesEach);
  expect(crowd.served).toBeGreaterThan(10);
  expect(crowd.slowestServedMs).toBeLessThan(5000);
}, 60_000);

test.each(['half-handshake', 'slow-headers'] as const)(
  'H2 H6 P13 300 sockets in the state %s are each closed two seconds after the limit at the latest, and leave room for other addresses',
  async (kind) => {
    const crowd = await runCrowd({ kind, size: 300, from: '127.0.0.2', limitSeconds: 5 });
    expect(crowd.slowestCloseMs).toBeLessThan(PROMISED.closeMs - 5000);
    expect(crowd.bytesEach).toBeLessThan(PROMISED.bytesEach);
    expect(crowd.served).toBeGreaterThan(3);
  },
  60_000,
);

test('H33 a flood of mute and failing connections from one address gets 429 with Retry-After, and its devices come in', async () => {
  const flood = await runFlood({ perSecond: 400, seconds: 3 });
  expect(Object.keys(flood.answers).toSorted()).toEqual(['401', '429']);
  expect(flood.answers['401']).toBeLessThanOrEqual(25);
  expect(flood.withoutRetryAfter).toBe(0);
  expect(flood.served).toBeGreaterThan(3);
}, 60_000);

test('300 devices of one address that connect at once are all let in, none turned away', async () => {
  expect(await runStorm({ size: 300, seed: 'admission' })).toMatchObject({ again: 0 });
}, 60_000);

test('networks take turns: who holds more places than its share gives up the oldest, in favour of another address', async () => {
  await using port = await openTestPort({ limits: { admissionActive: 4 } });
  using crowd = await gatherCrowd({ port: port.port, kind: 'half-handshake', size: 8 });
  const answer = await port.ask({ ...HEALTH, from: '127.0.0.2' });
  expect(answer.status).toBe(200);
  expect(dropped(port, 'over-its-share')).toBeGreaterThanOrEqual(1);
  expect(crowd.open).toBeGreaterThanOrEqual(4);
});

test('a place is free again after the first headers, after an upgrade, after a refusal and after the end', async () => {
  await using port = await openTestPort({ limits: { admissionActive: 1 } });
  const token = secretOf(await port.under.identity.devices.create({ id: 'a' }, 'test'));
  const device = new WebSocket(`${port.url.replace('https', 'wss')}/v1/device`, {
    ca: port.tls?.cert,
    headers: { Authorization: `Bearer ${token}` },
  });
  await once(device, 'open');
  const resting = await port.connect();
  resting.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(resting, 'data');
  expect(await port.raw('no HTTP at all\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await port.raw('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1\.1 405 /);
  const gone = plainConnect(port.port, '127.0.0.1');
  gone.write(await clientHello());
  await once(gone, 'data');
  gone.destroy();
  const broken = plainConnect(port.port, '127.0.0.1');
  broken.on('error', () => undefined);
  broken.resume();
  broken.end('no TLS at all');
  await once(broken, 'close');
  expect((await port.ask(HEALTH)).status).toBe(200);
  device.terminate();
  resting.destroy();
});

test('H5 when the queue is full the oldest of the most crowded address goes, and the others stay', async () => {
  await using port = await openTestPort({ limits: { admissionActive: 1, admissionWaiting: 4 } });
  using crowd = await gatherCrowd({ port: port.port, kind: 'mute', size: 12 });
  await expect.poll(() => crowd.open, { timeout: 10_000 }).toBe(5);
  expect(dropped(port, 'queue-full')).toBe(7);
  expect((await port.ask({ ...HEALTH, from: '127.0.0.2' })).status).toBe(200);
});

test('H33 without TLS, who waited in vain is told 503 and when to come back', async () => {
  await using port = await openTestPort({
    tls: 'off',
    limits: { admissionActive: 1, headersSeconds: 0.5, requestSeconds: 5, handshakeSeconds: 5 },
  });
  const slow = plainConnect(port.port, '127.0.0.1');
  slow.on('error', () => undefined);
  slow.resume();
  slow.write('GET / HTTP/1.1\r\nHos');
  await expect.poll(() => slow.bytesWritten, { timeout: 10_000 }).toBeGreaterThan(0);
  const answers = await Promise.all([port.ask(HEALTH), port.ask(HEALTH)]);
  const busy = answers.find((answer) => answer.status === 503);
  expect(busy?.problem.code).toBe('busy');
  expect(Number(busy?.headers['retry-after'])).toBeGreaterThanOrEqual(2);
  expect(dropped(port, 'waited-too-long')).toBeGreaterThanOrEqual(1);
  slow.destroy();
});

test('H5 a connection that says nothing is closed without a word, and counted', async () => {
  await using port = await openTestPort({ limits: { headersSeconds: 0.2, requestSeconds: 1, handshakeSeconds: 0.2 } });
  using crowd = await gatherCrowd({ port: port.port, kind: 'mute', size: 3 });
  await expect.poll(() => crowd.open, { timeout: 10_000 }).toBe(0);
  expect(dropped(port, 'silent')).toBe(3);
});

test('P13 TLS and headers together get one time limit, not one after the other', async () => {
  await using port = await openTestPort({ limits: { headersSeconds: 1, handshakeSeconds: 1, requestSeconds: 5 } });
  using crowd = await gatherCrowd({ port: port.port, kind: 'slow-headers', size: 1 });
  await expect.poll(() => crowd.open, { timeout: 10_000 }).toBe(0);
  expect(crowd.agesMs[0]).toBeLessThan(3000);
});

test('connections kept open after an answer are bounded: beyond 256 the longest goes', async () => {
  await using port = await openTestPort({ tls: 'off' });
  const resting = await Promise.all(
    Array.from({ length: 260 }, async () => {
      const socket = await port.connect();
      socket.on('error', () => undefined);
      socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'data');
      return socket;
    }),
  );
  const closed = (): number => resting.filter((socket) => socket.destroyed || socket.readableEnded).length;
  for (const socket of resting) socket.resume();
  await expect.poll(closed, { timeout: 10_000 }).toBe(4);
  for (const socket of resting) socket.destroy();
});

test('closing the port cuts who waits and who was not heard yet', async () => {
  const port = await openTestPort({ limits: { admissionActive: 1 } });
  using crowd = await gatherCrowd({ port: port.port, kind: 'mute', size: 5 });
  await port[Symbol.asyncDispose]();
  await expect.poll(() => crowd.open, { timeout: 10_000 }).toBe(0);
});
