// What the device client does about a frame, or a gap, that the gateway cannot read.

import { expect, test } from 'vitest';
import { createWorld, type World } from '../support/scripted-gateway.ts';

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

test('a frame that was refused goes once more alone, and refused twice becomes a gap', () => {
  const world = online();
  sendMany(world, 4);
  world.socket.say({ type: 'ack', seq: 1 });
  world.socket.say({ type: 'error', code: 'bad-json', message: '', fatal: true, expected: 2 });
  drop(world, 4400);
  world.reconnect();
  world.socket.welcome(1);
  expect(seqs(world)).toEqual([2]);
  drop(world, 1009, 'too big');
  world.reconnect();
  world.socket.welcome(1);
  expect(world.socket.sent.slice(1)).toMatchObject([{ type: 'gap', from: 2, to: 2, reason: 'refused' }, { seq: 3 }, { seq: 4 }]);
  world.socket.say({ type: 'ack', seq: 4 });
  expect(world.settled.map((entry) => entry.reason)).toEqual(['', 'refused', '', '']);
});

/** Hangs up over the first thing that is sent, twice. */
function refuseTwice(world: World): void {
  for (let i = 0; i < 2; i++) {
    world.socket.say({ type: 'error', code: 'bad-gap', message: '', fatal: true, expected: 1 });
    drop(world, 4400, 'bad-gap');
    world.reconnect();
    world.socket.welcome(0);
  }
}

test('a gap that is refused twice goes into a new stream, and refused there too it is left out of the third', () => {
  const undeclared: unknown[] = [];
  const world = createWorld({ memory: { capacityBytes: 3_000 }, onUndeclared: (gap) => undeclared.push({ ...gap }) });
  sendMany(world, 60);
  world.client.start();
  world.socket.welcome(0);
  const lost = world.socket.sent[1]!['to'] as number;
  refuseTwice(world);
  expect(world.streams).toHaveLength(1);
  expect(undeclared).toEqual([]);
  world.reconnect();
  world.socket.welcome(0);
  expect(world.socket.sent[1]).toMatchObject({ type: 'gap', from: 1, to: lost });
  refuseTwice(world);
  expect(world.streams).toHaveLength(2);
  expect(undeclared).toMatchObject([{ from: 1, to: lost, reason: 'buffer-full' }]);
  world.reconnect();
  world.socket.welcome(0);
  expect(world.socket.sent[1]).toMatchObject({ type: 'readings', seq: 1, readings: [reading(lost)] });
  world.socket.say({ type: 'ack', seq: 60 - lost });
  expect(world.client.unsettled).toBe(0);
});

test('a gap that is taken in the new stream is not held against the next one', () => {
  const world = createWorld({ memory: { capacityBytes: 3_000 } });
  sendMany(world, 60);
  world.client.start();
  world.socket.welcome(0);
  const lost = world.socket.sent[1]!['to'] as number;
  refuseTwice(world);
  world.reconnect();
  world.socket.welcome(0);
  world.socket.say({ type: 'ack', seq: 60 });
  expect(world.settled[0]).toMatchObject({ from: 1, to: lost, reason: 'buffer-full' });
  expect(world.streams).toHaveLength(1);
});

test('a frame that gets through at the second try is not given up, and the window opens again', () => {
  const world = online();
  sendMany(world, 3);
  drop(world, 1007);
  world.reconnect();
  world.socket.welcome(0);
  expect(seqs(world)).toEqual([1]);
  world.socket.say({ type: 'ack', seq: 1 });
  expect(seqs(world)).toEqual([1, 2, 3]);
});

test('a close for a bad message with nothing under way accuses no frame', () => {
  const world = createWorld();
  sendMany(world, 2);
  world.client.start();
  world.socket.events.opened();
  for (let i = 0; i < 3; i++) {
    drop(world, 4400, 'bad-stream');
    world.reconnect();
  }
  world.socket.welcome(0);
  expect(seqs(world)).toEqual([1, 2]);
});
