// A whole client against a gateway that drops connections wherever it likes.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeStreamId } from '../../gateway/protocol/send-buffer.ts';
import { STREAM_ID } from '../../gateway/protocol/messages.ts';
import { createWorld } from '../support/scripted-gateway.ts';

test('names of streams are of the allowed shape and not all the same', () => {
  const names = new Set(Array.from({ length: 100 }, () => makeStreamId(Math.random)));
  expect(names.size).toBe(100);
  for (const name of names) expect(name).toMatch(STREAM_ID);
});

test('over any pattern of lost connections and lost acks every reading arrives exactly once and in order', () => {
  const act = fc.record({
    sends: fc.integer({ min: 0, max: 5 }),
    /** How many of the frames under way the gateway commits, and whether the ack gets through. */
    commits: fc.integer({ min: 0, max: 8 }),
    acks: fc.boolean(),
    drops: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const world = createWorld();
      const arrived: unknown[] = [];
      let acked = 0;
      let value = 0;
      let read = 1;
      const commit = (most: number) => {
        for (let i = 0; i < most && read < world.socket.sent.length; i++, read++) {
          const message = world.socket.sent[read]!;
          expect(message['seq']).toBe(acked + 1);
          acked++;
          arrived.push(...(message['readings'] as { v: number }[]).map((record) => record.v));
        }
      };
      world.client.start();
      world.socket.welcome(0);
      for (const now of [...acts, { sends: 0, commits: 1_000, acks: true, drops: false }]) {
        for (let i = 0; i < now.sends; i++) world.client.send([{ n: 'x', v: value++ }]);
        commit(now.commits);
        if (now.acks) world.socket.say({ type: 'ack', seq: acked });
        if (!now.drops) continue;
        world.socket.events.closed({ code: 1006, reason: '' });
        world.reconnect();
        world.socket.welcome(acked);
        read = 1;
      }
      expect(arrived).toEqual(Array.from({ length: value }, (_, i) => i));
      expect(world.client.unsettled).toBe(0);
      expect(world.settled).toHaveLength(value);
    }),
  );
});

test('whatever goes wrong, every reading is stored exactly once or covered by a declared gap, and the books add up', () => {
  const act = fc.record({
    sends: fc.integer({ min: 0, max: 12 }),
    reads: fc.integer({ min: 0, max: 10 }),
    acks: fc.boolean(),
    end: fc.constantFrom('stay', 'stay', 'drop', 'regression', 'drop-before-welcome'),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      let draws = 0;
      const random = () => (draws++ * 0.618_033_988_749) % 1;
      const world = createWorld({ random, memory: { capacityBytes: 2_500, retainBytes: 500 } });
      const marks = new Map<string, number>();
      const arrived: number[] = [];
      let gaps = 0;
      let left = 0;
      let value = 0;
      let read = 1;
      const markOf = () => marks.get(world.buffer.stream) ?? 0;
      const comeBack = () => {
        world.reconnect();
        world.socket.welcome(markOf());
        read = 1;
      };
      /** False: it hung up over a frame that it cannot read. */
      const take = (message: Record<string, unknown>): boolean => {
        const expected = markOf() + 1;
        if (message['type'] === 'gap') {
          expect(message['from']).toBe(expected);
          gaps += (message['to'] as number) - expected + 1;
          marks.set(world.buffer.stream, message['to'] as number);
          return true;
        }
        expect(message['seq']).toBe(expected);
        const [{ v }] = message['readings'] as [{ v: number }];
        if (v % 11 === 10) return false;
        arrived.push(v);
        marks.set(world.buffer.stream, expected);
        return true;
      };
      world.client.start();
      world.socket.welcome(0);
      for (const now of [...acts, ...Array.from({ length: 60 }, () => ({ sends: 0, reads: 1_000, acks: true, end: 'stay' as const }))]) {
        for (let i = 0; i < now.sends; i++) world.client.send([{ n: 'x', v: value++ }]);
        for (let i = 0; i < now.reads && read < world.socket.sent.length; i++) {
          if (take(world.socket.sent[read++]!)) continue;
          world.socket.events.closed({ code: 1009, reason: '' });
          comeBack();
        }
        if (now.acks) world.socket.say({ type: 'ack', seq: markOf() });
        if (now.end === 'stay') continue;
        if (now.end === 'regression') {
          // The device hears of everything that was settled before it leaves the stream, or it would send some of it twice.
          world.socket.say({ type: 'ack', seq: markOf() });
          left += markOf();
          world.socket.events.closed({ code: 4409, reason: 'seq-regression' });
        } else world.socket.events.closed({ code: 1006, reason: '' });
        if (now.end === 'drop-before-welcome') {
          world.reconnect();
          world.socket.events.opened();
          world.socket.events.closed({ code: 1006, reason: '' });
        }
        comeBack();
      }
      expect(arrived).toEqual([...new Set(arrived)].sort((a, b) => a - b));
      expect(world.client.unsettled).toBe(0);
      expect(arrived.length + gaps).toBe(value);
      expect(left + markOf()).toBe(value);
      expect(world.settled.reduce((sum, entry) => sum + entry.readings, 0)).toBe(arrived.length);
    }),
    { numRuns: 300 },
  );
});
