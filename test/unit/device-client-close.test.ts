// The client column of the close-code table, row by row, and the bounds of the waits.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACK_OFF, createBackOff } from '../../gateway/protocol/back-off.ts';
import { planAfterClose } from '../../gateway/protocol/close-plan.ts';
import { createWorld } from '../support/scripted-gateway.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** code, reason, and the bounds of the wait before the first reconnect; null: it does not come back. */
const ROWS: readonly [code: number, reason: string, fromMs: number, toMs: number][] = [
  [1000, '', 0, 5 * SECOND],
  [1001, '', 0, 5 * SECOND],
  [1002, '', 0, 5 * SECOND],
  [1003, '', 0, 5 * SECOND],
  [1005, '', 0, 5 * SECOND],
  [1006, '', 0, 5 * SECOND],
  [1007, '', 0, 5 * SECOND],
  [1008, '', 0, 5 * SECOND],
  [1009, '', 0, 5 * SECOND],
  [1011, '', 0, 5 * SECOND],
  [1012, '', 0, 5 * SECOND],
  [1012, 'restarting retry-after-ms=17000', 17 * SECOND, 17 * SECOND],
  [1011, 'retry-after-ms=9000', 9 * SECOND, 9 * SECOND],
  [1013, 'retry-after-ms=60000', 60 * SECOND, 60 * SECOND],
  [1012, 'retry-after-ms=999999999', 60 * MINUTE, 60 * MINUTE],
  [1012, 'retry-after-ms=-5', 0, 5 * SECOND],
  [4400, 'bad-message', 0, 5 * SECOND],
  [4403, 'suspended', 10 * MINUTE, 11 * MINUTE],
  [4408, '', 0, 5 * SECOND],
  [4409, 'superseded', 30 * SECOND, 35 * SECOND],
  [4409, 'seq-regression', 0, 5 * SECOND],
  [4409, 'seq-gap', 0, 5 * SECOND],
  [4409, 'stream-closed', 0, 5 * SECOND],
  [4429, 'stream-quota', 60 * MINUTE, 64 * MINUTE],
  [4999, 'of a later version', 0, 5 * SECOND],
];

for (const [code, reason, fromMs, toMs] of ROWS) {
  test(`after ${code} ${reason} it comes back within ${fromMs} to ${toMs} ms`, () => {
    for (const random of [0, 0.5, 0.999]) {
      const world = createWorld({ random: () => random });
      world.client.start();
      world.socket.welcome(0);
      world.socket.events.closed({ code, reason });
      const tookMs = world.reconnect();
      expect(tookMs).toBeGreaterThanOrEqual(fromMs);
      expect(tookMs).toBeLessThanOrEqual(toMs + 10);
    }
  });
}

test.each([
  [{ code: 4401, reason: 'revoked' }, 'credential'],
  [{ code: 1006, reason: '', status: 401 }, 'credential'],
])('after %o it stops and asks for a new token', (end, why) => {
  const world = createWorld();
  world.client.start();
  world.socket.events.closed(end);
  expect(world.states.at(-1)).toEqual({ state: 'stopped', why });
  world.clock.advance(48 * 60 * MINUTE);
  expect(world.sockets).toHaveLength(1);
  world.client.start();
  expect(world.sockets).toHaveLength(2);
});

test.each([
  [403, 0, 10 * MINUTE, 11 * MINUTE],
  [404, 0, 0, 5 * SECOND],
  [426, 0, 0, 5 * SECOND],
  [429, 45 * SECOND, 45 * SECOND, 50 * SECOND],
  [503, 20 * SECOND, 20 * SECOND, 25 * SECOND],
])('an upgrade refused with %i is tried again in time', (status, retryAfterMs, fromMs, toMs) => {
  const world = createWorld();
  world.client.start();
  world.socket.events.closed({ code: 1006, reason: '', status, retryAfterMs });
  const tookMs = world.reconnect();
  expect(tookMs).toBeGreaterThanOrEqual(fromMs);
  expect(tookMs).toBeLessThanOrEqual(toMs + 10);
});

test('an error message before the close says more than the reason', () => {
  expect(planAfterClose({ code: 4409, reason: '' }, 'seq-regression')).toMatchObject({ newStream: true });
  expect(planAfterClose({ code: 4409, reason: '' }, 'stream-closed')).toMatchObject({ newStream: true });
  expect(planAfterClose({ code: 4400, reason: '' }, 'bad-json')).toMatchObject({ refused: true, why: 'bad-json' });
});

test('a crowd that was told the same Retry-After does not come back in the same second', () => {
  const waits = [0, 0.25, 0.5, 0.75, 0.999].map((draw) => {
    const world = createWorld({ random: () => draw });
    world.client.start();
    world.socket.events.closed({ code: 1006, reason: '', status: 503, retryAfterMs: 20_000 });
    return Math.round(world.reconnect() / 1_000);
  });
  expect(new Set(waits).size).toBe(5);
});

test("4400 for the stream's own name leaves that stream instead of accusing a frame", () => {
  expect(planAfterClose({ code: 4400, reason: '' }, 'bad-stream')).toMatchObject({ newStream: true, refused: false });
});

test('every wait is random between nothing and a ceiling that doubles up to a minute', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 40 }), (draws) => {
      let i = 0;
      const backOff = createBackOff(() => draws[i]!);
      for (i = 0; i < draws.length; i++) {
        const ceilingMs = i === 0 ? 5 * SECOND : Math.min(MINUTE, SECOND * 2 ** i);
        expect(backOff.nextMs()).toBe(draws[i]! * ceilingMs);
      }
      backOff.reset();
      i = 0;
      expect(backOff.nextMs()).toBe(draws[0]! * BACK_OFF.firstMs);
    }),
  );
});

test('the count of attempts starts anew only after a session that was stable for 30 s', () => {
  const waits = (stableMs: number): number[] => {
    const world = createWorld({ random: () => 0.999 });
    const took: number[] = [];
    world.client.start();
    for (let i = 0; i < 4; i++) {
      world.socket.welcome(0);
      world.clock.advance(stableMs);
      world.socket.events.closed({ code: 1006, reason: '' });
      took.push(Math.round(world.reconnect() / SECOND));
    }
    return took;
  };
  expect(waits(29 * SECOND)).toEqual([5, 2, 4, 8]);
  expect(waits(31 * SECOND)).toEqual([5, 5, 5, 5]);
});
