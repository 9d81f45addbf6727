// The list of events by type, time and place; acts on devices among them; gaps with their reasons; and a device's frames while one looks.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { SUBPROTOCOL } from '../../gateway/protocol/messages.ts';
import type { DeviceFramesView, EventView } from '../../gateway/protocol/rest.ts';
import { startTestGateway, type TestAnswer, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const as = async (role: 'viewer' | 'operator', target: string): Promise<TestAnswer> =>
  gateway.request(target, { headers: { Authorization: `Bearer ${await gateway.key(role)}` } });
const eventsOf = async (query: string): Promise<EventView[]> => (await as('viewer', `/v1/events?${query}`)).json().items;
const framesOf = async (id: string): Promise<DeviceFramesView> => (await as('operator', `/v1/devices/${id}/frames`)).json();

test('events are asked by type, from a time, up to a time and up to one of them, in pages that belong to their question', async () => {
  const startMs = Date.now();
  for (let i = 0; i < 3; i++) {
    await using device = await gateway.device('list-1');
    await device.hello('stream-00001', { oldest: 1, next: 1 });
  }
  await expect.poll(() => eventsOf('device=list-1&type=offline').then((items) => items.length)).toBe(3);
  const both = await eventsOf('device=list-1&type=offline&type=online');
  expect(both.map(({ type }) => type)).toEqual(['offline', 'online', 'offline', 'online', 'offline', 'online']);
  const middle = both[2] as EventView;
  expect((await eventsOf(`device=list-1&type=online&type=offline&upTo=${middle.id}`)).map(({ id }) => id)).toEqual(
    both.slice(2).map(({ id }) => id),
  );
  expect((await eventsOf(`device=list-1&type=offline&from=${startMs}&to=${middle.atMs}`)).length).toBe(1);
  expect(await eventsOf(`device=list-1&type=offline&to=${startMs}`)).toEqual([]);
  expect((await eventsOf('device=list-1&from=now-1h&type=offline')).length).toBe(3);
  const first = (await as('viewer', '/v1/events?device=list-1&type=offline&limit=2')).json();
  const second = (await as('viewer', `/v1/events?device=list-1&type=offline&limit=2&next=${first.next}`)).json();
  expect([first.items.length, second.items.length, second.next]).toEqual([2, 1, null]);
  expect((await as('viewer', `/v1/events?device=list-1&type=online&limit=2&next=${first.next}`)).json().code).toBe('bad-token');
  for (const wrong of ['from=yesterday', 'from=now&to=now-1h'])
    expect((await as('viewer', `/v1/events?${wrong}`)).json().code, wrong).toBe('bad-range');
  expect((await as('viewer', '/v1/events?upTo=0')).json().code).toBe('bad-request');
});

test('what is done to a device is an event of it, without who did it', async () => {
  await gateway.addDevice('acted-1');
  await gateway.local('/v1/devices/acted-1', { method: 'PATCH', body: { status: 'suspended' } });
  await gateway.local('/v1/devices/acted-1', { method: 'PATCH', body: { status: 'active' } });
  await gateway.local('/v1/devices/acted-1/tokens', { method: 'POST', body: { overlapSeconds: 0 } });
  await expect
    .poll(() => eventsOf('device=acted-1&type=act').then((items) => items.map(({ reason }) => reason)))
    .toEqual(['token.rotate', 'device.resume', 'device.suspend']);
  expect((await eventsOf('device=acted-1&type=act'))[0]).not.toHaveProperty('detail');
});

test('gaps are listed with stream, frames, time and reason, newest first', async () => {
  await using device = await gateway.device('gap-1');
  await device.hello('stream-00001', { oldest: 3, next: 9 });
  device.send({ type: 'gap', from: 3, to: 3, reason: 'refused' });
  device.send({ type: 'gap', from: 4, to: 8, reason: 'buffer-full' });
  await device.until((message) => message.type === 'ack' && message.seq === 8);
  const { items, next } = (await as('viewer', '/v1/gaps?device=gap-1')).json();
  expect(next).toBeNull();
  expect(items.map(({ id: _id, atMs: _atMs, ...gap }: Record<string, unknown>) => gap)).toEqual([
    { device: 'gap-1', stream: 'stream-00001', from: 4, to: 8, reason: 'buffer-full' },
    { device: 'gap-1', stream: 'stream-00001', from: 3, to: 3, reason: 'refused' },
    { device: 'gap-1', stream: 'stream-00001', from: 1, to: 2, reason: 'device-lost' },
  ]);
  const page = (await as('viewer', '/v1/gaps?device=gap-1&limit=1')).json();
  expect((await as('viewer', `/v1/gaps?device=gap-1&limit=1&next=${page.next}`)).json().items[0].reason).toBe('refused');
  expect((await as('viewer', `/v1/gaps?device=list-1&limit=1&next=${page.next}`)).json().code).toBe('bad-token');
});

test('frames are kept once somebody looks, with what was made of them, cut and in a bounded number', async () => {
  await using device = await gateway.device('seen-1');
  device.send([{ n: 'a', v: 1 }]);
  await device.next();
  const begun = await framesOf('seen-1');
  expect(begun.items).toEqual([]);
  expect(begun.watchedUntilMs).toBeGreaterThan(Date.now() + 30_000);

  device.send([{ n: 'a', v: 1 }, { n: 'b' }, { n: 'c' }]);
  await device.next();
  device.send('{"nonsense":1}');
  await device.next();
  await device.hello('stream-00001', { oldest: 1, next: 9 });
  device.send({ type: 'readings', seq: 1, readings: [{ n: 'a', v: 2 }] });
  device.send({ type: 'gap', from: 2, to: 4, reason: 'buffer-full' });
  await device.until((message) => message.type === 'ack' && message.seq === 4);
  const long = `[{"n":"s","vs":"${'ü'.repeat(500)}"},{"n":"t","vs":"${'ü'.repeat(500)}"},{"n":"u","vs":"${'é'.repeat(400)}"}]`;
  device.send(long);
  await device.next();
  const { items } = await framesOf('seen-1');
  expect(items.map(({ number, kind, stream, seq, stored, refused }) => [number, kind, stream, seq, stored, refused])).toEqual([
    [6, 'pack', '~ws', 3, 3, {}],
    [5, 'gap', 'stream-00001', 4, 0, {}],
    [4, 'readings', 'stream-00001', 1, 1, {}],
    [3, 'hello', 'stream-00001', null, 0, {}],
    [2, 'unreadable', '~ws', null, 0, { 'bad-shape': 1 }],
    [1, 'pack', '~ws', 2, 1, { 'no-value': 2 }],
  ]);
  expect(items[5]?.raw).toBe('[{"n":"a","v":1},{"n":"b"},{"n":"c"}]');
  expect(items[0]?.bytes).toBe(Buffer.byteLength(long));
  expect(items[0]?.encoding).toBe('utf8');
  expect(long.startsWith(items[0]?.raw ?? '')).toBe(true);
  expect(Buffer.byteLength(items[0]?.raw ?? '')).toBeLessThanOrEqual(2048);
  for (let i = 0; i < 40; i++) device.send([{ n: 'a', v: i }]);
  await device.until(() => true);
  await expect.poll(async () => (await framesOf('seen-1')).items[0]?.number).toBe(46);
  expect((await framesOf('seen-1')).items.map(({ number }) => number)).toEqual(Array.from({ length: 32 }, (_, i) => 46 - i));
});

test('CBOR comes as base64, posts too, and 32 devices are watched at once', async () => {
  await using device = await gateway.device('seen-2', { subprotocols: [SUBPROTOCOL.cbor] });
  await framesOf('seen-2');
  device.send([{ n: 'a', v: 1.5 }]);
  await device.next();
  const [frame] = (await framesOf('seen-2')).items;
  expect(frame).toMatchObject({ kind: 'pack', encoding: 'base64', stored: 1 });
  expect(frame?.raw).toBe(Buffer.from(encodeCbor([{ n: 'a', v: 1.5 }])).toString('base64'));

  const token = await gateway.addDevice('seen-3');
  await framesOf('seen-3');
  const post = (body: string): Promise<TestAnswer> =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body,
    });
  await post('[{"n":"a","v":1},{"n":"b"}]');
  await post('[{"n":');
  expect((await framesOf('seen-3')).items.map(({ kind, stored, refused }) => [kind, stored, refused])).toEqual([
    ['unreadable', 0, { 'bad-json': 1 }],
    ['post', 1, { 'no-value': 1 }],
  ]);
  let answer = await as('operator', '/v1/devices/seen-3/frames');
  for (let i = 0; answer.status === 200 && i < 40; i++) {
    await gateway.addDevice(`crowd-${i}`);
    answer = await as('operator', `/v1/devices/crowd-${i}/frames`);
  }
  expect([answer.status, answer.json().code]).toEqual([429, 'too-many-watched']);
  expect((await as('operator', '/v1/devices/seen-3/frames')).status).toBe(200);
  expect((await as('operator', '/v1/devices/nobody/frames')).json().code).toBe('not-found');
  expect((await as('viewer', '/v1/devices/seen-3/frames')).status).toBe(403);
});
