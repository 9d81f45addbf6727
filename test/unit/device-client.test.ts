// The device client against a scripted gateway: hello, window, resend, splitting, gaps, new streams, liveness.

import { expect, test } from 'vitest';
import { createWorld, LIMITS, type World } from '../support/scripted-gateway.ts';

const reading = (v: number) => ({ n: 'temperature', u: 'Cel', t: 1_700_000_000 + v, v });
const seqs = (world: World) => world.socket.sent.filter((message) => message['type'] === 'readings').map((message) => message['seq']);
const sendMany = (world: World, count: number) => {
  for (let i = 0; i < count; i++) world.client.send([reading(i)]);
};
const drop = (world: World, code = 1006, reason = '') => world.socket.events.closed({ code, reason });

function online(options: Parameters<typeof createWorld>[0] = {}, acked = 0, more: object = {}): World {
  const world = createWorld(options);
  world.client.start();
  world.socket.welcome(acked, more);
  return world;
}

test('the first message is a hello with stream, oldest, next and acked', () => {
  const world = createWorld();
  sendMany(world, 2);
  world.client.start();
  expect(world.socket.sent).toEqual([]);
  world.socket.events.opened();
  expect(world.socket.sent).toEqual([{ type: 'hello', stream: 'stream-one', oldest: 1, next: 3, acked: 0, software: 'test 1' }]);
});

test('nothing but hello is sent before the welcome, then the buffer in order', () => {
  const world = createWorld();
  world.client.start();
  world.socket.events.opened();
  sendMany(world, 3);
  expect(world.socket.sent).toHaveLength(1);
  world.socket.welcome(0);
  expect(seqs(world)).toEqual([1, 2, 3]);
  expect(world.socket.sent[2]).toEqual({ type: 'readings', seq: 2, readings: [reading(1)] });
});

test('an ack is cumulative, settles each frame once and in order', () => {
  const world = online();
  sendMany(world, 5);
  world.socket.say({ type: 'ack', seq: 3 });
  world.socket.say({ type: 'ack', seq: 2 });
  expect(world.settled.map((entry) => entry.from)).toEqual([1, 2, 3]);
  expect(world.client.unsettled).toBe(2);
});

test('an ack of what was never sent, or that is no number, is ignored', () => {
  const world = online();
  sendMany(world, 1);
  for (const seq of [2, 1.5, '1', null, -1]) world.socket.say({ type: 'ack', seq });
  expect(world.settled).toEqual([]);
});

test('no more than unackedFrames are under way', () => {
  const world = online({}, 0, { limits: { ...LIMITS, unackedFrames: 4 } });
  sendMany(world, 10);
  expect(seqs(world)).toEqual([1, 2, 3, 4]);
  world.socket.say({ type: 'ack', seq: 3 });
  expect(seqs(world)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('after a reconnect it resends from the acked of the welcome plus one', () => {
  const world = online();
  sendMany(world, 5);
  world.socket.say({ type: 'ack', seq: 2 });
  drop(world);
  sendMany(world, 1);
  world.reconnect();
  world.socket.events.opened();
  expect(world.socket.sent[0]).toMatchObject({ oldest: 1, next: 7, acked: 2 });
  world.socket.welcome(4);
  expect(seqs(world)).toEqual([5, 6]);
  expect(world.settled.map((entry) => entry.from)).toEqual([1, 2, 3, 4]);
});

test('the window is whole again after a reconnect', () => {
  const limits = { ...LIMITS, unackedFrames: 3 };
  const world = online({}, 0, { limits });
  sendMany(world, 6);
  drop(world);
  world.reconnect();
  world.socket.welcome(1, { limits });
  expect(seqs(world)).toEqual([2, 3, 4]);
  world.socket.say({ type: 'ack', seq: 4 });
  expect(seqs(world)).toEqual([2, 3, 4, 5, 6]);
});

test('a store that went back gets the frames that are still held once more, and they are not counted twice', () => {
  const world = online();
  sendMany(world, 5);
  world.socket.say({ type: 'ack', seq: 5 });
  drop(world);
  world.reconnect();
  world.socket.welcome(2, { store: 'restored' });
  expect(seqs(world)).toEqual([3, 4, 5]);
  world.socket.say({ type: 'ack', seq: 5 });
  expect(world.settled).toHaveLength(5);
  expect(world.client.unsettled).toBe(0);
});

test('a store that went back further than is held and declares nothing gets the gap from the device', () => {
  const world = online({ memory: { retainBytes: 0 } });
  sendMany(world, 5);
  world.socket.say({ type: 'ack', seq: 4 });
  drop(world);
  world.reconnect();
  world.socket.events.opened();
  expect(world.socket.sent[0]).toMatchObject({ oldest: 5, next: 6, acked: 4 });
  world.socket.welcome(2);
  expect(world.socket.sent.slice(1)).toMatchObject([
    { type: 'gap', from: 3, to: 4, reason: 'restored' },
    { type: 'readings', seq: 5 },
  ]);
  world.socket.say({ type: 'ack', seq: 5 });
  expect(world.client.unsettled).toBe(0);
});

test('a welcome that has more than was ever made here leads to a new stream', () => {
  const world = online({}, 7);
  expect(world.streams).toHaveLength(1);
  expect(world.client.state).toBe('waiting');
  sendMany(world, 1);
  world.reconnect();
  world.socket.welcome(0);
  expect(world.socket.sent[0]).toMatchObject({ stream: world.streams[0], oldest: 1, next: 2, acked: 0 });
  expect(seqs(world)).toEqual([1]);
});

test('a welcome that has more than was ever sent from here leads to a new stream, also when the numbers would fit', () => {
  const world = online();
  sendMany(world, 2);
  drop(world);
  sendMany(world, 5);
  world.reconnect();
  // five more were made, none of them was sent: frame 4 of the gateway is somebody else's
  world.socket.welcome(4);
  expect(world.settled.map((entry) => entry.from)).toEqual([1, 2]);
  expect(world.streams).toHaveLength(1);
  world.reconnect();
  world.socket.welcome(0);
  expect(world.socket.sent.slice(1)).toMatchObject([0, 1, 2, 3, 4].map((v, i) => ({ seq: i + 1, readings: [reading(v)] })));
});

test('a frame that is cut only when a store went back is told of once', () => {
  const world = createWorld();
  world.client.send([reading(0), reading(1)]);
  world.client.start();
  world.socket.welcome(0);
  sendMany(world, 2);
  world.socket.say({ type: 'ack', seq: 3 });
  drop(world);
  sendMany(world, 1);
  world.reconnect();
  world.socket.welcome(0, { store: 'restored', limits: { ...LIMITS, readingsPerFrame: 1 } });
  expect(seqs(world)).toEqual([1, 2, 3, 4, 5]);
  world.socket.say({ type: 'ack', seq: 5 });
  expect(world.settled.map((entry) => entry.to)).toEqual([1, 2, 3, 5]);
  expect(world.client.unsettled).toBe(0);
});

test.each(['seq-regression', 'stream-closed'])('4409 %s makes a new stream in which what is unsettled starts at 1', (code) => {
  const world = online();
  sendMany(world, 4);
  world.socket.say({ type: 'ack', seq: 2 });
  world.socket.say({ type: 'error', code, message: '', fatal: true, expected: 3 });
  drop(world, 4409, code);
  world.reconnect();
  world.socket.welcome(0);
  expect(world.socket.sent[0]).toMatchObject({ oldest: 1, next: 3, acked: 0 });
  expect(world.socket.sent[0]!['stream']).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
  expect(world.socket.sent[0]!['stream']).not.toBe('stream-one');
  expect(world.socket.sent.slice(1)).toMatchObject([
    { seq: 1, readings: [reading(2)] },
    { seq: 2, readings: [reading(3)] },
  ]);
});

test('4409 seq-gap keeps the stream and resends from where the gateway is', () => {
  const world = online();
  sendMany(world, 3);
  world.socket.say({ type: 'error', code: 'seq-gap', message: '', fatal: true, expected: 2 });
  drop(world, 4409, 'seq-gap');
  world.reconnect();
  world.socket.welcome(1);
  expect(world.streams).toEqual([]);
  expect(seqs(world)).toEqual([2, 3]);
});

test('a long call is cut by readingsPerFrame', () => {
  const world = online({}, 0, { limits: { ...LIMITS, readingsPerFrame: 100 } });
  world.client.send(Array.from({ length: 250 }, (_, i) => reading(i)));
  expect(world.socket.sent.slice(1).map((message) => (message['readings'] as unknown[]).length)).toEqual([100, 100, 50]);
});

test('no frame is longer than frameBytes in UTF-8', () => {
  const limits = { ...LIMITS, frameBytes: 2_000 };
  const world = online({}, 0, { limits });
  const records = Array.from({ length: 100 }, (_, i) => ({ n: 'note', vs: 'ä€😀'.repeat(10) + String(i) }));
  world.client.send(records);
  const frames = world.socket.texts.slice(1);
  for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(2_000);
  expect(world.socket.sent.slice(1).flatMap((message) => message['readings'])).toEqual(records);
});

test('frames made under wider limits are cut again under narrower ones, before they get their final numbers', () => {
  const world = createWorld();
  world.client.send(Array.from({ length: 5 }, (_, i) => reading(i)));
  world.client.send([reading(5)]);
  world.client.start();
  world.socket.welcome(0, { limits: { ...LIMITS, readingsPerFrame: 2 } });
  expect(world.socket.sent.slice(1).map((message) => [message['seq'], (message['readings'] as unknown[]).length])).toEqual([
    [1, 2],
    [2, 2],
    [3, 1],
    [4, 1],
  ]);
  expect(world.socket.sent.slice(1).flatMap((message) => message['readings'])).toEqual([0, 1, 2, 3, 4, 5].map(reading));
});

test('limits that make no sense are replaced by the usual ones', () => {
  const world = online({}, 0, { limits: { frameBytes: 'x', readingsPerFrame: 0, unackedFrames: null } });
  sendMany(world, 300);
  expect(seqs(world)).toHaveLength(256);
});

test('when the buffer is full the oldest unsent frames become one gap, declared in their place', () => {
  const world = createWorld({ memory: { capacityBytes: 3_000 } });
  sendMany(world, 60);
  world.client.start();
  world.socket.welcome(0);
  const [, gap, first] = world.socket.sent;
  expect(gap).toMatchObject({ type: 'gap', from: 1, reason: 'buffer-full' });
  expect(first).toMatchObject({ type: 'readings', seq: (gap!['to'] as number) + 1 });
  expect(world.socket.sent.at(-1)).toMatchObject({ seq: 60, readings: [reading(59)] });
  world.socket.say({ type: 'ack', seq: 60 });
  expect(world.settled.reduce((sum, entry) => sum + entry.to - entry.from + 1, 0)).toBe(60);
});

test('what is under way is never given up, and a gap of which a part was settled is declared from there', () => {
  const world = online({ memory: { capacityBytes: 2_000 } });
  sendMany(world, 4);
  drop(world);
  sendMany(world, 40);
  world.reconnect();
  world.socket.welcome(4);
  drop(world);
  world.reconnect();
  world.socket.welcome(6);
  expect(world.settled.map((entry) => entry.reason)).toEqual(['', '', '', '']);
  expect(world.socket.sent[1]).toMatchObject({ type: 'gap', from: 7, reason: 'buffer-full' });
});

test('a reject is reported and drops nothing: the ack does', () => {
  const world = online();
  sendMany(world, 1);
  world.socket.say({ type: 'reject', seq: 1, errors: [{ index: 0, code: 'no-value', message: 'x' }] });
  expect(world.client.unsettled).toBe(1);
  world.socket.say({ type: 'ack', seq: 1 });
  expect(world.rejects).toHaveLength(1);
  expect(world.client.unsettled).toBe(0);
});

test('unknown messages, unknown fields and garbage are ignored', () => {
  const world = online({}, 0, { colour: 'green' });
  sendMany(world, 1);
  for (const text of ['{"type":"command","id":1}', '{}', '[]', '[1]', 'null', '7', '"x"', '{', '', '{"type":["ack"],"seq":1}']) {
    world.socket.events.message(text);
  }
  world.socket.say({ type: 'error', code: 'unknown-type', message: '', fatal: false });
  world.socket.say({ type: 'ack', seq: 1, extra: {} });
  expect(world.client.state).toBe('online');
  expect(world.settled).toHaveLength(1);
});

test('a gateway that falls silent for two ping rounds is cut, one that only pings is not', () => {
  const world = online();
  for (let i = 0; i < 10; i++) {
    world.clock.advance(27_000);
    world.socket.events.heard();
  }
  expect(world.client.state).toBe('online');
  world.clock.advance(70_000);
  expect(world.sockets[0]!.ended).toEqual(['cut']);
  expect(world.sockets.length).toBe(2);
});

test('a connection that never opens, or is never welcomed, is given up', () => {
  const world = createWorld();
  world.client.start();
  world.clock.advance(30_000);
  expect(world.sockets[0]!.ended).toEqual(['cut']);
  world.reconnect();
  world.socket.events.opened();
  world.clock.advance(60_000);
  expect(world.sockets[1]!.ended).toEqual(['cut']);
});

test('events of a connection that was given up do nothing', () => {
  const world = online();
  sendMany(world, 1);
  const old = world.socket;
  drop(world);
  world.reconnect();
  old.welcome(0);
  old.say({ type: 'ack', seq: 1 });
  old.events.closed({ code: 4401, reason: '' });
  expect(world.client.state).toBe('connecting');
  expect(world.settled).toEqual([]);
});

test('close says goodbye, is idempotent and leaves no timer', () => {
  const world = online();
  world.client.close();
  world.client.close();
  world.client.start();
  expect(world.sockets.map((socket) => socket.ended)).toEqual([['close 1000']]);
  expect(world.clock.timers).toBe(0);
  expect(world.states.at(-1)).toEqual({ state: 'stopped', why: 'closed' });
});

test('a client that wants another device stops before it has sent a frame, and names whose token it is', () => {
  const world = createWorld({ device: 'pump-2' });
  world.client.send([{ n: 'x', v: 1 }]);
  world.client.start();
  world.socket.welcome(0, { device: 'pump-1' });
  expect(world.states.at(-1)).toEqual({ state: 'stopped', why: 'wrong-device', device: 'pump-1' });
  expect(world.socket.sent.map((message) => message['type'])).toEqual(['hello']);
  expect(world.socket.ended).toHaveLength(1);
  expect(world.client.unsettled).toBe(1);
  expect(world.clock.timers).toBe(0);
});

test('what is told outside of the stream is said in a session, and lost without one', () => {
  const world = createWorld();
  expect(world.client.tell({ type: 'ports' })).toBe(false);
  world.client.start();
  expect(world.client.tell({ type: 'ports' })).toBe(false);
  world.socket.welcome(0);
  expect(world.client.tell({ type: 'ports' })).toBe(true);
  expect(world.socket.sent.map((message) => message['type'])).toEqual(['hello', 'ports']);
});

test('frames that a full buffer gives up are told when it happens', () => {
  const lost: { from: number; to: number }[] = [];
  const world = createWorld({ memory: { capacityBytes: 1_000 }, onLost: ({ from, to }) => lost.push({ from, to }) });
  for (let i = 0; i < 50; i++) world.client.send([{ n: 'x', v: i }]);
  expect(lost.length).toBeGreaterThan(0);
  expect(lost[0]!.from).toBe(1);
  expect(lost.at(-1)!.to).toBeGreaterThan(25);
});
