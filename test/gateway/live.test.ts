// The live socket, from the outside: snapshot, stream in commit order, resume by cursor, folding, presence.

import { expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestSocket } from '../support/socket.ts';

// biome-ignore lint/suspicious/noExplicitAny: messages of any type
type Message = any;
const STREAM = 'stream-00001';

async function store(device: TestSocket, seq: number, values: readonly unknown[]): Promise<void> {
  device.send({ type: 'readings', seq, readings: values.map((v) => ({ n: 'temperature', u: 'Cel', v })) });
  await device.until((message) => message.type === 'ack' && message.seq === seq);
}
/** Values of live readings, until `count` of them came. */
async function values(socket: TestSocket, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  while (seen.length < count) {
    const message = await socket.until((one: Message) => one.type === 'readings');
    for (const reading of message.readings) seen.push(reading[3]);
  }
  return seen;
}
async function subscribed(gateway: TestGateway, ask: object = {}): Promise<{ socket: TestSocket; snapshot: Message }> {
  const socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'a', ...ask });
  return { socket, snapshot: await socket.until((message: Message) => message.type === 'snapshot' && message.more !== true) };
}

test('a subscription begins with a snapshot of the latest values and goes on with what is committed', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  await store(device, 1, [20, 21]);
  await gateway.addDevice('quiet');
  const { socket, snapshot } = await subscribed(gateway);
  expect(snapshot.latest).toStrictEqual([['pump-1', 'temperature', expect.any(Number), 21]]);
  expect(snapshot.devices).toStrictEqual([
    { device: 'pump-1', online: true, lastSeenMs: expect.any(Number) },
    { device: 'quiet', online: false, lastSeenMs: null },
  ]);
  await store(device, 2, [22, 23]);
  const live = await socket.next();
  expect(live).toMatchObject({ type: 'readings', id: 'a', conflated: 0 });
  expect(live.readings).toStrictEqual([
    ['pump-1', 'temperature', expect.any(Number), 22],
    ['pump-1', 'temperature', expect.any(Number), 23],
  ]);
  expect(live.cursor.split('.')[0]).toBe(snapshot.cursor.split('.')[0]);
});

test('patterns choose devices and metrics: * is any run, everything else is literal, series that come later join', async () => {
  await using gateway = await startTestGateway();
  const { socket, snapshot } = await subscribed(gateway, { devices: ['pump-*', 'a.c'], metrics: ['temp*'] });
  expect(snapshot.latest).toStrictEqual([]);
  const pack = [
    { n: 'temperature', v: 1 },
    { n: 'pressure', v: 2 },
  ];
  for (const id of ['abc', 'other', 'pump-1', 'a.c']) {
    await using device = await gateway.device(id);
    device.send(pack);
    await device.next();
  }
  const first = await socket.until((message: Message) => message.type === 'readings');
  expect(first.readings.map((reading: unknown[]) => reading.slice(0, 2))).toStrictEqual([['pump-1', 'temperature']]);
  const second = await socket.until((message: Message) => message.type === 'readings');
  expect(second.readings.map((reading: unknown[]) => reading.slice(0, 2))).toStrictEqual([['a.c', 'temperature']]);
});

test('since resumes without hole or repeat, also over a restart of the gateway', async () => {
  await using gateway = await startTestGateway();
  let cursor: string;
  {
    await using device = await gateway.device('pump-1');
    await device.hello(STREAM);
    const { socket, snapshot } = await subscribed(gateway);
    cursor = snapshot.cursor;
    await store(device, 1, [1, 2, 3]);
    cursor = (await socket.until((message: Message) => message.type === 'readings')).cursor;
    socket.ws.terminate();
    await store(device, 2, [4, 5]);
    await store(
      device,
      3,
      Array.from({ length: 1000 }, (_, i) => 6 + i),
    );
  }
  await gateway.restart();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM, { oldest: 4, acked: 3 });
  const socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'a', since: cursor });
  expect(await socket.next()).toMatchObject({ type: 'resumed', id: 'a', cursor, devices: [{ device: 'pump-1', online: true }] });
  const rest = values(socket, 1004);
  await store(device, 4, [1006, 1007]);
  expect(await rest).toStrictEqual(Array.from({ length: 1004 }, (_, i) => 4 + i));
});

test('readings that are committed while a subscriber catches up are seen once, in order', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  await store(device, 1, [0]);
  const start = (await gateway.admin('/v1/readings?device=pump-1&metric=temperature&from=0&to=now')).json().cursor;
  const writing = (async () => {
    for (let seq = 2; seq <= 300; seq++) await store(device, seq, [seq - 1]);
  })();
  const sockets = await Promise.all(Array.from({ length: 5 }, () => gateway.live()));
  for (const socket of sockets) socket.send({ type: 'subscribe', id: 'a', since: start });
  const expected = Array.from({ length: 299 }, (_, i) => i + 1);
  for (const socket of sockets) expect(await values(socket, 299)).toStrictEqual(expected);
  await writing;
});

test('the cursor of a REST answer joins history and live', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  await store(device, 1, [1, 2]);
  const history = (await gateway.admin('/v1/readings?device=pump-1&metric=temperature&from=now-1h')).json();
  await store(device, 2, [3]);
  const socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'a', devices: ['pump-1'], metrics: ['temperature'], since: history.cursor });
  expect(await socket.next()).toMatchObject({ type: 'resumed' });
  expect(await values(socket, 1)).toStrictEqual([3]);
  expect(history.readings.map((reading: unknown[]) => reading[1])).toStrictEqual([1, 2]);
});

test.for([
  ['D4 of another store', '00ff.3', 'foreign'],
  ['D4 in the future', '$STORE.99999999', 'future'],
  ['D4 negative', '$STORE.-1', 'foreign'],
  ['D4 nonsense', 'x', 'foreign'],
] as const)('%s: reset, then a snapshot', async ([, since, reason]) => {
  await using gateway = await startTestGateway();
  const { store: incarnation } = (await gateway.request('/v1/info')).json();
  const socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'a', since: since.replace('$STORE', incarnation) });
  expect(await socket.next()).toStrictEqual({ type: 'reset', id: 'a', reason });
  expect(await socket.next()).toMatchObject({ type: 'snapshot', id: 'a' });
});

test('devices going online and offline are told, with the reason', async () => {
  await using gateway = await startTestGateway();
  await gateway.addDevice('pump-1');
  const { socket } = await subscribed(gateway, { devices: ['pump-1'] });
  await using other = await gateway.device('other');
  const device = await gateway.device('pump-1');
  expect(await socket.next()).toStrictEqual({
    type: 'device',
    device: 'pump-1',
    online: true,
    reason: 'connected',
    atMs: expect.any(Number),
  });
  device.ws.close();
  expect(await socket.next()).toMatchObject({ type: 'device', device: 'pump-1', online: false, reason: 'closed' });
  expect(other.ws.readyState).toBe(other.ws.OPEN);
});

test('maxRateHz folds to the newest and says how many were folded', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  const { socket } = await subscribed(gateway, { maxRateHz: 2 });
  let seen = 0;
  let folded = 0;
  for (let seq = 1; seq <= 20; seq++) await store(device, seq, [seq]);
  for (let last = 0; last !== 20; ) {
    const message = await socket.until((one: Message) => one.type === 'readings');
    seen += message.readings.length;
    folded += message.conflated;
    last = message.readings.at(-1)[3];
  }
  expect(seen + folded).toBe(20);
  expect(folded).toBeGreaterThan(0);
});

test('a clock that is set back by an hour starves nobody who asked for a rate', async () => {
  const realNow = Date.now;
  let offMs = 0;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => realNow() + offMs);
  try {
    await using gateway = await startTestGateway();
    await using device = await gateway.device('pump-1');
    await device.hello(STREAM);
    const { socket } = await subscribed(gateway, { maxRateHz: 5 });
    await store(device, 1, [1]);
    expect(await values(socket, 1)).toStrictEqual([1]);
    offMs = -3_600_000;
    await store(device, 2, [2]);
    expect(await values(socket, 1)).toStrictEqual([2]);
  } finally {
    clock.mockRestore();
  }
});

test('a large snapshot comes in parts of at most 64 KiB, all but the last with more', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  const count = 3000;
  for (let from = 0; from < count; from += 500) {
    device.send(Array.from({ length: 500 }, (_, i) => ({ n: `a-metric-with-a-long-name-${from + i}`, vs: 'some text '.repeat(3) })));
    await device.next();
  }
  const socket = await gateway.live();
  const sizes: number[] = [];
  socket.ws.on('message', (data: Buffer) => sizes.push(data.length));
  socket.send({ type: 'subscribe', id: 'a' });
  const parts: Message[] = [];
  do parts.push(await socket.next());
  while (parts.at(-1).more === true);
  expect(parts.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
  expect(parts.flatMap((part) => part.latest)).toHaveLength(count);
  expect(parts.slice(0, -1).every((part) => part.cursor === undefined)).toBe(true);
  expect(parts.at(-1).cursor).toMatch(/\.3000$/);
});

test('D2 the 129th subscription and a list of 1,001 patterns get limit-exceeded; 10,000 are more than a frame may hold', async () => {
  await using gateway = await startTestGateway();
  const socket = await gateway.live();
  for (let i = 0; i < 129; i++) socket.send({ type: 'subscribe', id: `s${i}` });
  const error = await socket.until((message: Message) => message.type === 'error');
  expect(error).toMatchObject({ code: 'limit-exceeded', id: 's128', fatal: false });
  socket.send({ type: 'subscribe', id: 's0', devices: Array.from({ length: 1001 }, (_, i) => `d${i}`) });
  expect(await socket.until((message: Message) => message.type === 'error')).toMatchObject({ code: 'limit-exceeded', id: 's0' });
  socket.send({ type: 'subscribe', id: 's0', devices: Array.from({ length: 10_000 }, () => 'd') });
  expect((await socket.closed()).code).toBe(1009);
});

test('D5 a cursor from before the replay window gets a reset, then a snapshot', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  await store(device, 1, [1]);
  const { snapshot } = await subscribed(gateway);
  await store(device, 2, [2]);
  await store(device, 3, [3]);
  // seals everything, and with it goes the tail that could be replayed
  const sealed = await gateway.admin('/v1/compact', { method: 'POST' });
  expect(sealed.text).toContain('"compacted"');
  const socket = await gateway.live();
  socket.send({ type: 'subscribe', id: 'a', since: snapshot.cursor });
  expect(await socket.next()).toStrictEqual({ type: 'reset', id: 'a', reason: 'too-old' });
  const fresh = await socket.next();
  expect(fresh).toMatchObject({ type: 'snapshot', id: 'a' });
  expect(fresh.latest.map((reading: unknown[]) => reading[3])).toStrictEqual([3]);
});

test('D3 a pattern of a subscription is literal but for *', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  await store(device, 1, [1]);
  const latestOf = async (devices: string[]): Promise<number> => (await subscribed(gateway, { devices })).snapshot.latest.length;
  for (const pattern of ['pump-.', 'pump.1', 'pump-\\d', '[p]ump-1', '^pump-1$', 'pump-1|x', '(pump-1)', 'pump-?', '%', 'pump_1'])
    expect([pattern, await latestOf([pattern])]).toStrictEqual([pattern, 0]);
  for (const pattern of ['*', 'p*1', '*-*', 'pump-1*']) expect([pattern, await latestOf([pattern])]).toStrictEqual([pattern, 1]);
  expect(await latestOf([`${'*a'.repeat(60)}*`])).toBe(0);
});

test('D6 sending readings on the live socket closes 4403', async () => {
  await using gateway = await startTestGateway();
  for (const message of [[{ n: 'a', v: 1 }], { type: 'readings', seq: 1, readings: [] }]) {
    const socket = await gateway.live();
    socket.send(message);
    expect((await socket.closed()).code).toBe(4403);
  }
});

test('D9 unsubscribing what is not there is fine, and after it nothing more comes', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  const { socket } = await subscribed(gateway);
  socket.send({ type: 'unsubscribe', id: 'never' });
  expect(await socket.next()).toStrictEqual({ type: 'unsubscribed', id: 'never' });
  socket.send({ type: 'unsubscribe', id: 'a' });
  expect(await socket.next()).toStrictEqual({ type: 'unsubscribed', id: 'a' });
  device.send([{ n: 'a', v: 1 }]);
  await device.next();
  socket.send({ type: 'subscribe', id: 'b', metrics: ['none'] });
  expect(await socket.next()).toMatchObject({ type: 'snapshot', id: 'b' });
});

test('D11 subscriptions faster than 50 a second are taken in order and more slowly, and none is lost', async () => {
  await using gateway = await startTestGateway();
  const socket = await gateway.live();
  const startedMs = performance.now();
  const count = 60;
  for (let i = 0; i < count; i++) {
    socket.send({ type: 'subscribe', id: `s${i}`, devices: ['none'] });
    socket.send({ type: 'unsubscribe', id: `s${i}` });
  }
  const ids: string[] = [];
  while (ids.length < count) ids.push((await socket.until((message: Message) => message.type === 'unsubscribed')).id);
  // 50 at once, then 50 a second
  expect(performance.now() - startedMs).toBeGreaterThan(((count * 2 - 50) / 50) * 1000 - 50);
  expect(ids).toStrictEqual(Array.from({ length: count }, (_, i) => `s${i}`));
});

test('A9 a device token is not let onto the live socket, and a revoked key is closed 4401', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  await expect(gateway.live({ headers: { Authorization: `Bearer ${token}` } })).rejects.toMatchObject({ status: 403 });
  const made = (await gateway.admin('/v1/keys', { method: 'POST', body: { name: 'kiosk', role: 'viewer' } })).json();
  const socket = await gateway.live({ headers: { Authorization: `Bearer ${made.key}` } });
  await gateway.admin(`/v1/keys/${made.id}`, { method: 'DELETE' });
  expect((await socket.closed()).code).toBe(4401);
});

test('a subscriber that does not read is folded and costs nobody else anything', async () => {
  await using gateway = await startTestGateway({ limits: { outboxFoldBytes: 32 * 1024, outboxResumeBytes: 1024 } });
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  const slow = await subscribed(gateway);
  const quick = await subscribed(gateway);
  slow.socket.ws.pause();
  const frames = 400;
  const text = 'x'.repeat(1000);
  const read = (async () => {
    let seen = 0;
    while (seen < frames * 50) seen += (await quick.socket.until((one: Message) => one.type === 'readings')).readings.length;
    return seen;
  })();
  for (let seq = 1; seq <= frames; seq++) {
    device.send({ type: 'readings', seq, readings: Array.from({ length: 50 }, (_, i) => ({ n: `m${i}`, vs: `${seq} ${text}` })) });
    if (seq % 20 === 0) await device.until((message) => message.type === 'ack' && message.seq === seq);
  }
  expect(await read).toBe(frames * 50);
  slow.socket.ws.resume();
  let conflated = 0;
  const newest = new Map<string, string>();
  while (newest.size < 50 || [...newest.values()].some((value) => !value.startsWith(`${frames} `))) {
    const message = await slow.socket.until((one: Message) => one.type === 'readings');
    conflated += message.conflated;
    for (const reading of message.readings) newest.set(reading[1], reading[3]);
  }
  expect(conflated).toBeGreaterThan(0);
});

test('D7 a subscriber that takes nothing is closed, however much is meant for it and whoever comes and goes', async () => {
  const limits = { outboxFoldBytes: 32 * 1024, outboxResumeBytes: 1024, outboxStallSeconds: 2 };
  await using gateway = await startTestGateway({ limits });
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  const { socket } = await subscribed(gateway);
  const subscribers = async (): Promise<number> => (await gateway.admin('/v1/stats')).json().subscribers;
  expect(await subscribers()).toBe(1);
  socket.ws.pause();
  const text = 'x'.repeat(1000);
  let seq = 0;
  const isGone = async (): Promise<boolean> => {
    for (let n = 0; n < 10; n++)
      device.send({ type: 'readings', seq: ++seq, readings: Array.from({ length: 50 }, (_, i) => ({ n: `m${i}`, vs: `${seq} ${text}` })) });
    await device.until((message) => message.type === 'ack' && message.seq === seq);
    const flapping = await gateway.device('flapping');
    flapping.ws.close();
    await flapping.closed();
    return (await subscribers()) === 0;
  };
  await expect.poll(isGone, { timeout: 25_000, interval: 100 }).toBe(true);
});

test('a heartbeat comes every 15 s with the cursor of each subscription', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  const { socket } = await subscribed(gateway);
  socket.send({ type: 'subscribe', id: 'b', metrics: ['none'] });
  await socket.until((message: Message) => message.type === 'snapshot' && message.id === 'b');
  device.send([{ n: 'temperature', v: 1 }]);
  const { cursor } = await socket.until((message: Message) => message.type === 'readings');
  const heartbeat = await socket.until((message: Message) => message.type === 'heartbeat');
  expect(heartbeat).toStrictEqual({ type: 'heartbeat', atMs: expect.any(Number), cursors: { a: cursor, b: cursor } });
});
