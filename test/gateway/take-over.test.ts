// One device, one voice: what happens when two connections hold one identity, and what is told of messages whose bytes are gone.

import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const STREAM = 'stream-00001';
// biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it asked for
const events = async (gateway: TestGateway, type: string): Promise<any[]> =>
  (await gateway.admin('/v1/events?limit=1000')).json().items.filter((event: { type: string }) => event.type === type);

test('Q12 five take-overs in a minute raise duplicate-identity with both addresses, and upgrades get 429 for a while', async () => {
  await using gateway = await startTestGateway();
  const open = [await gateway.device('pump-1')];
  for (let i = 0; i < 5; i++) {
    open.push(await gateway.device('pump-1'));
    expect(await open[i].closed()).toStrictEqual({ code: 4409, reason: 'superseded' });
  }
  const refused = await gateway.device('pump-1').catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 429 });
  const { headers, body } = refused as { headers: Record<string, string>; body: string };
  expect(JSON.parse(body)).toMatchObject({ code: 'duplicate-identity', status: 429 });
  expect(Number(headers['retry-after'])).toBeGreaterThan(50);
  await expect
    .poll(() => events(gateway, 'duplicate-identity'))
    .toMatchObject([{ device: 'pump-1', detail: { addresses: ['127.0.0.1', '127.0.0.1'] } }]);
  // the seat stays with who had it, and another device is not concerned
  const last = open[5];
  last.send([{ n: 'a', v: 1 }]);
  expect(await last.next()).toStrictEqual({ type: 'stored', readings: 1 });
  await using other = await gateway.device('pump-2');
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toStrictEqual({ type: 'stored', readings: 1 });
  last.ws.terminate();
});

test('taking the seat of a connection that has been silent is no contest', { timeout: 60_000 }, async () => {
  await using gateway = await startTestGateway({ config: { liveness: { pingSeconds: 60, pongSeconds: 30 } } });
  const ghosts = [await gateway.device('pump-1')];
  const other = await gateway.device('pump-2');
  // nothing comes from the ghost for ten seconds, by the gateway's own account of it
  await expect.poll(() => silentFor(gateway), { timeout: 40_000, interval: 500 }).toBeGreaterThan(11_000);
  ghosts.push(await gateway.device('pump-1'));
  await ghosts[0].closed();
  for (let i = 1; i < 5; i++) {
    ghosts.push(await gateway.device('pump-1'));
    await ghosts[i].closed();
  }
  // five take-overs, one of them of a ghost
  ghosts.push(await gateway.device('pump-1'));
  await ghosts[5].closed();
  expect(await gateway.device('pump-1').catch((error: { status: number }) => error.status)).toBe(429);
  expect(ghosts).toHaveLength(7);
  other.ws.terminate();
  ghosts[6].ws.terminate();
});

/** Ms since the first connection was made: no byte has come on it since. */
async function silentFor(gateway: TestGateway): Promise<number> {
  const { connection } = (await gateway.admin('/v1/devices/pump-1')).json();
  return Date.now() - Date.parse(connection.connectedAt);
}

test('welcome comes after everything that the older session sent is on disk', async () => {
  await using gateway = await startTestGateway();
  const older = await gateway.device('pump-1');
  await older.hello(STREAM);
  for (let seq = 1; seq <= 200; seq++) older.send({ type: 'readings', seq, readings: [{ n: 'a', v: seq }] });
  await older.until((message) => message.type === 'ack');
  await using newer = await gateway.device('pump-1');
  const { acked } = await newer.hello(STREAM, { oldest: 1, next: 201 });
  const { items } = (await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json();
  expect(items).toMatchObject([{ stream: STREAM, settled: acked, stored: acked, unexplained: 0 }]);
  expect(await older.closed()).toStrictEqual({ code: 4409, reason: 'superseded' });
});

const CASES: readonly (readonly [name: string, bytes: Buffer, close: number, code: string])[] = [
  ['an unmasked frame', Buffer.from([0x81, 0x01, 0x7b]), 1002, 'websocket-fault'],
  ['text that is not UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]), 1007, 'invalid-utf8'],
  ['a length beyond the limit', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]), 1009, 'message-too-big'],
  [
    'more fragments than may be',
    Buffer.concat([1, ...Array<number>(17).fill(0)].map((head) => Buffer.from([head, 0x80, 0, 0, 0, 0]))),
    1008,
    'policy-violation',
  ],
  ['binary where JSON is spoken', Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0x80]), 1003, 'unsupported-data'],
];
for (const [name, bytes, close, code] of CASES) {
  test(`${name} closes ${close}, and an event frame-refused says what was expected`, async () => {
    await using gateway = await startTestGateway();
    const device = await gateway.device('pump-1');
    await device.hello(STREAM, { oldest: 1, next: 7 });
    device.send({ type: 'readings', seq: 1, readings: [{ n: 'a', v: 1 }] });
    expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
    (device.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bytes);
    expect((await device.closed()).code).toBe(close);
    await expect
      .poll(() => events(gateway, 'frame-refused'))
      .toMatchObject([{ device: 'pump-1', reason: code, detail: { code: close, expected: 2 } }]);
    await expect.poll(async () => (await events(gateway, 'offline')).map((event) => event.reason)).toStrictEqual([code]);
  });
}

test('a stream speaks CBOR from hello to ack, and a text frame on it closes 1003', async () => {
  await using gateway = await startTestGateway();
  const device = await gateway.device('pump-1', { subprotocols: ['fieldgate.v1.cbor'], headers: {} }).catch((error: unknown) => error);
  expect(device).toMatchObject({ status: 401 });
  const token = await gateway.addDevice('pump-2');
  await using spoken = await gateway.device('pump-2', {
    subprotocols: ['fieldgate.v1.cbor', `bearer.${Buffer.from(token).toString('base64url')}`],
    headers: {},
  });
  expect(spoken.ws.protocol).toBe('fieldgate.v1.cbor');
  expect(await spoken.hello(STREAM)).toMatchObject({ type: 'welcome', acked: 0, limits: { unackedFrames: 256 } });
  spoken.send({ type: 'readings', seq: 1, readings: [{ n: 'a', v: 1.5 }, { n: 'b', vb: true }, { n: 'c', vs: 'ü' }, { n: 'd' }] });
  expect(await spoken.next()).toMatchObject({ type: 'reject', seq: 1, errors: [{ index: 3, code: 'no-value' }] });
  expect(await spoken.next()).toStrictEqual({ type: 'ack', seq: 1 });
  spoken.send([{ n: 'a', v: 2.5 }]);
  expect(await spoken.next()).toStrictEqual({ type: 'stored', readings: 1 });
  const { latest } = (await gateway.admin('/v1/devices/pump-2')).json();
  expect([latest.a[1], latest.b[1], latest.c[1]]).toStrictEqual([2.5, true, 'ü']);
  spoken.send('{"type":"hello"}');
  expect(await spoken.next()).toMatchObject({ type: 'error', code: 'unsupported-data', fatal: true, expected: 2 });
  expect((await spoken.closed()).code).toBe(1003);
});

test('F12 half a message and then nothing closes 4408 after 15 s; a message in fragments that keep coming does not', {
  timeout: 60_000,
}, async () => {
  await using gateway = await startTestGateway();
  const stuck = await gateway.device('pump-1');
  await using slow = await gateway.device('pump-2');
  const raw = (stuck.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
  raw.write(Buffer.from([0x81, 0xfe, 0x01, 0x00, 0, 0, 0, 0, 0x5b]));
  const parts = ['[{"n"', ':', '"a"', ',', '"v"', ':', '1', '}', ']'];
  let isClosed = false;
  const closed = stuck.closed().then((end) => {
    isClosed = true;
    return end;
  });
  const startedMs = performance.now();
  while (!isClosed && parts.length > 1) {
    slow.ws.send(parts.shift() ?? '', { fin: false });
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 3000))]);
  }
  expect((await closed).code).toBe(4408);
  expect(performance.now() - startedMs).toBeGreaterThan(14_000);
  slow.ws.send(parts.join(''), { fin: true });
  expect(await slow.next()).toStrictEqual({ type: 'stored', readings: 1 });
  await expect
    .poll(async () => (await events(gateway, 'offline')).map(({ device, reason }) => [device, reason]))
    .toStrictEqual([['pump-1', 'stalled']]);
});
