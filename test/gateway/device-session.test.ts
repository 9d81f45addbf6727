// The device socket, from the outside: what a device hears for what it says.

import { expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';

const STREAM = 'stream-00001';
const record = (v: unknown, more: object = {}): object => ({ n: 'temperature', u: 'Cel', v, ...more });

test('a bare pack is stored and answered after the commit', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send([record(21.5)]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
  const answer = await gateway.admin('/v1/readings?device=pump-1&metric=temperature&from=now-1h');
  expect(answer.json().readings.map((row: unknown[]) => row[1])).toStrictEqual([21.5]);
});

test('a bare pack with a bad record stores the others and says which was refused', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send([record(1), { n: 'x' }, record(2)]);
  expect(await device.next()).toMatchObject({ type: 'stored', readings: 2, errors: [{ index: 1, code: 'no-value' }] });
  const { items } = (await gateway.admin('/v1/quarantine?device=pump-1')).json();
  expect(items).toMatchObject([{ code: 'no-value', index: 1, raw: '{"n":"x"}', stream: '~ws' }]);
});

test('bare packs are answered in their order', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  for (let n = 1; n <= 20; n++) device.send(Array.from({ length: n }, (_, i) => record(i)));
  for (let n = 1; n <= 20; n++) expect(await device.next()).toStrictEqual({ type: 'stored', readings: n });
});

test('hello is welcomed with what the gateway has, and frames are acked cumulatively', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  const welcome = await device.hello(STREAM);
  expect(welcome).toMatchObject({
    device: 'pump-1',
    stream: STREAM,
    acked: 0,
    limits: { frameBytes: 65536, readingsPerFrame: 1000, unackedFrames: 256 },
    pingSeconds: 25,
    pongSeconds: 10,
  });
  expect(welcome.store).toMatch(/^\S+$/);
  expect(Math.abs(welcome.serverTimeMs - Date.now())).toBeLessThan(60_000);
  for (let seq = 1; seq <= 50; seq++) device.send({ type: 'readings', seq, readings: [record(seq)] });
  let acked = 0;
  while (acked < 50) {
    const message = await device.next();
    expect(message.type).toBe('ack');
    expect(message.seq).toBeGreaterThan(acked);
    acked = message.seq;
  }
  expect(acked).toBe(50);
});

test('a session goes on where the last one stopped, also after a restart of the gateway', async () => {
  await using gateway = await startTestGateway();
  {
    await using device = await gateway.device('pump-1');
    const first = await device.hello(STREAM);
    device.send({ type: 'readings', seq: 1, readings: [record(1)] });
    expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
    expect(first.acked).toBe(0);
  }
  await gateway.restart();
  await using again = await gateway.device('pump-1');
  expect((await again.hello(STREAM, { oldest: 2, acked: 1 })).acked).toBe(1);
  again.send({ type: 'readings', seq: 2, readings: [record(2)] });
  expect(await again.next()).toStrictEqual({ type: 'ack', seq: 2 });
  const [books] = (await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json().items;
  expect(books).toMatchObject({ stream: STREAM, settled: 2, stored: 2, readings: 2, unexplained: 0 });
});

test('a frame with a bad record settles: reject, then the ack that covers it', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  device.send({ type: 'readings', seq: 1, readings: [record(1), record('21.5'), record(2)] });
  expect(await device.next()).toMatchObject({ type: 'reject', seq: 1, errors: [{ index: 1, code: 'wrong-type' }] });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
  device.send({ type: 'readings', seq: 2, readings: [{ n: 'x' }] });
  expect(await device.next()).toMatchObject({ type: 'reject', seq: 2 });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 2 });
  const [books] = (await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json().items;
  expect(books).toMatchObject({ settled: 2, stored: 1, quarantined: 1, gaps: 0, refused: 2, readings: 2, unexplained: 0 });
});

test('a gap is settled and acked like frames', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  device.send({ type: 'gap', from: 1, to: 1_000_000_000, reason: 'buffer-full' });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1_000_000_000 });
  device.send({ type: 'readings', seq: 1_000_000_001, readings: [record(1)] });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1_000_000_001 });
  const [books] = (await gateway.admin('/v1/accounting?device=pump-1&verify=true')).json().items;
  expect(books).toMatchObject({ settled: 1_000_000_001, stored: 1, gaps: 1_000_000_000, unexplained: 0 });
});

test('messages and fields that are not known are ignored, with an error that is not fatal', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  device.send({ type: 'command', do: 'something' });
  expect(await device.next()).toMatchObject({ type: 'error', code: 'unknown-type', fatal: false });
  device.send({ type: 'readings', seq: 1, readings: [record(1, { later: { added: true } })], extra: [1, 2] });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
});

test('the newest connection of a device wins, and hears of everything the older one sent', async () => {
  await using gateway = await startTestGateway();
  await using older = await gateway.device('pump-1');
  await older.hello(STREAM);
  for (let seq = 1; seq <= 10; seq++) older.send({ type: 'readings', seq, readings: [record(seq)] });
  await older.until((message) => message.type === 'ack' && message.seq === 10);
  await using newer = await gateway.device('pump-1');
  expect(await older.closed()).toStrictEqual({ code: 4409, reason: 'superseded' });
  expect((await newer.hello(STREAM, { oldest: 1, next: 11 })).acked).toBe(10);
  const { items } = (await gateway.admin('/v1/events?device=pump-1')).json();
  expect(items.map((event: { type: string; reason: string }) => `${event.type} ${event.reason}`)).toStrictEqual([
    'online connected',
    'offline superseded',
    'online connected',
  ]);
});

test('closing, from either side, is an offline event with its reason', async () => {
  await using gateway = await startTestGateway();
  const device = await gateway.device('pump-1');
  device.ws.close(1000);
  expect((await device.closed()).code).toBe(1000);
  await expect
    .poll(async () => (await gateway.admin('/v1/events?device=pump-1')).json().items[0])
    .toMatchObject({ type: 'offline', reason: 'closed', device: 'pump-1' });
});

test('a revoked token closes the open socket 4401, a suspended device 4403', async () => {
  await using gateway = await startTestGateway();
  await using revoked = await gateway.device('pump-1');
  await using suspended = await gateway.device('pump-2');
  expect((await gateway.admin('/v1/devices/pump-1/tokens', { method: 'DELETE' })).status).toBeLessThan(300);
  expect((await revoked.closed()).code).toBe(4401);
  expect((await gateway.admin('/v1/devices/pump-2', { method: 'PATCH', body: { status: 'suspended' } })).status).toBe(200);
  expect((await suspended.closed()).code).toBe(4403);
  await expect(gateway.device('pump-1')).rejects.toMatchObject({ status: 401 });
  await expect(gateway.device('pump-2')).rejects.toMatchObject({ status: 403 });
});

test('a stop acknowledges what was read, then says 1012 with a time to come back', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  device.send({ type: 'readings', seq: 1, readings: [record(1)] });
  await device.until((message) => message.type === 'ack');
  const restarted = gateway.restart();
  expect(await device.closed()).toMatchObject({ code: 1012, reason: expect.stringMatching(/^retry-after-ms=\d+$/) });
  await restarted;
  const { items } = (await gateway.admin('/v1/events?device=pump-1')).json();
  expect(items[0]).toMatchObject({ type: 'offline', reason: 'shutdown' });
});

test('Basic with device id and token is taken on the device socket', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  const basic = Buffer.from(`pump-1:${token}`).toString('base64');
  await using device = await gateway.device('pump-1', { headers: { Authorization: `Basic ${basic}` } });
  device.send([record(1)]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 1 });
});

test('more frames than the window are read when acks are out: nothing is lost, nobody is closed', async () => {
  await using gateway = await startTestGateway({ limits: { unackedFrames: 8 } });
  await using device = await gateway.device('pump-1');
  await device.hello(STREAM);
  for (let seq = 1; seq <= 3000; seq++) device.send({ type: 'readings', seq, readings: [record(seq)] });
  await device.until((message) => message.type === 'ack' && message.seq === 3000);
});

test('a second unit is another series and an event', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  device.send([
    { n: 't', u: 'Cel', v: 20 },
    { n: 't', v: 21 },
    { n: 't', u: 'Far', v: 68 },
    { n: 't', v: 69 },
  ]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 4 });
  const { items } = (await gateway.admin('/v1/devices/pump-1/series')).json();
  expect(items.map((s: { unit: string; count: number }) => [s.unit, s.count])).toStrictEqual([
    ['Cel', 2],
    ['Far', 2],
  ]);
  const events = (await gateway.admin('/v1/events?device=pump-1')).json().items;
  expect(events).toContainEqual(expect.objectContaining({ type: 'unit-changed', reason: 't' }));
});

test('J5 a forbidden key anywhere refuses the whole frame, makes no series, and the store takes new ones after a restart', async () => {
  await using gateway = await startTestGateway();
  {
    await using device = await gateway.device('pump-1');
    const forbidden = ['"__proto__":{}', '"\\u005f_proto__":1', '"x":{"y":[{"constructor":1}]}', '"prototype":1'];
    for (const key of forbidden) device.send(`[{"n":"fresh","v":1},{"n":"x","v":1,${key}}]`);
    for (const _ of forbidden)
      expect(await device.next()).toMatchObject({ type: 'stored', readings: 0, errors: [{ code: 'forbidden-key' }] });
    await device.hello(STREAM);
    device.send('{"type":"readings","seq":1,"readings":[{"n":"fresh","v":1}],"constructor":1}');
    expect(await device.next()).toMatchObject({ type: 'reject', seq: 1, errors: [{ code: 'forbidden-key' }] });
    expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
    expect((await gateway.admin('/v1/devices/pump-1/series')).json().items).toStrictEqual([]);
    expect(Object.prototype).not.toHaveProperty('x');
  }
  await gateway.restart();
  await using device = await gateway.device('pump-2');
  device.send([record(1), { n: 'pressure', v: 2 }]);
  expect(await device.next()).toStrictEqual({ type: 'stored', readings: 2 });
});

test('answers come in the order of the frames, whatever became of them', async () => {
  await using gateway = await startTestGateway();
  await using device = await gateway.device('pump-1');
  for (const message of ['[{"n":"a","v":1}]', '{', '[{"n":"a","v":2}]', '{"type":"later"}', '[{"n":"a","v":3}]']) device.send(message);
  const heard = [];
  for (let i = 0; i < 5; i++) heard.push(await device.next());
  expect(heard.map((message) => message.code ?? message.type)).toStrictEqual(['stored', 'bad-json', 'stored', 'unknown-type', 'stored']);
});

test('what repeats is told once an hour: units that alternate, a clock that is wrong, over reconnects and posts', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  for (let i = 0; i < 3; i++) {
    await using device = await gateway.device('pump-1');
    device.send(Array.from({ length: 100 }, (_, n) => ({ n: 'a', v: n, t: 1_000_000_000, u: n % 2 ? 'Cel' : 'K' })));
    expect(await device.next()).toMatchObject({ readings: 100 });
    const post = { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: [{ n: 'a', v: 1, t: 900_000_000 }] };
    expect((await gateway.request('/v1/readings', post)).status).toBe(200);
  }
  const { items } = (await gateway.admin('/v1/events?device=pump-1&limit=1000')).json();
  const types = items.map((event: { type: string }) => event.type).filter((type: string) => type !== 'online' && type !== 'offline');
  expect(types.sort()).toStrictEqual(['clock-suspect', 'unit-changed']);
});

test('series are counted as the log has them after hundreds of commits and a restart', async () => {
  await using gateway = await startTestGateway();
  const ids = Array.from({ length: 6 }, (_, i) => `pump-${i}`);
  await Promise.all(
    ids.map(async (id) => {
      await using device = await gateway.device(id);
      await device.hello(STREAM);
      for (let seq = 1; seq <= 400; seq++) {
        device.send({ type: 'readings', seq, readings: Array.from({ length: 20 }, (_, i) => ({ n: `m${(seq + i) % 25}`, v: seq })) });
        if (seq % 4 === 0) await device.until((message) => message.type === 'ack' && message.seq === seq);
      }
    }),
  );
  await gateway.restart();
  for (const id of ids) {
    const { items } = (await gateway.admin(`/v1/devices/${id}/series`)).json();
    expect(items).toHaveLength(25);
    expect(items.map((series: { count: number }) => series.count)).toStrictEqual(Array(25).fill(320));
    expect(items.every((series: { latest: [number, number] }) => series.latest[1] >= 395)).toBe(true);
  }
});
