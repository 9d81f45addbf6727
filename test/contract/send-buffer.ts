// What every send buffer does, whether it keeps its frames in memory or in a file.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SendBuffer } from '../../gateway/protocol/send-buffer.ts';

export interface BufferRoom {
  readonly capacityBytes: number;
  readonly retainBytes?: number;
}

export const frame = (text: string, readings = 1) => ({ body: JSON.stringify([text]), readings });
const ignore = (): void => {};

/** Something that a client does to its buffer; numbers are bent to what is possible at that moment. */
export type BufferStep =
  | { readonly do: 'append'; readonly size: number; readonly frames: number; readonly ahead: number }
  | { readonly do: 'settle'; readonly by: number }
  | { readonly do: 'replace'; readonly parts: number }
  | { readonly do: 'restart' };

export const bufferStep: fc.Arbitrary<BufferStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      size: fc.nat(400),
      frames: fc.integer({ min: 1, max: 3 }),
      ahead: fc.nat(5),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), by: fc.integer({ min: -6, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), parts: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

export function takeStep(buffer: SendBuffer, step: BufferStep, told: (text: string) => void = ignore): void {
  switch (step.do) {
    case 'append':
      buffer.append(Array(step.frames).fill(frame('ü'.repeat(step.size))), Math.min(buffer.next - 1, buffer.acked + step.ahead));
      return;
    case 'settle':
      return buffer.settle(Math.max(0, Math.min(buffer.next - 1, buffer.acked + step.by)), (entry) => told(JSON.stringify(entry)));
    case 'restart':
      return buffer.restart(`stream-${buffer.next}`);
    case 'replace': {
      const entry = buffer.at(buffer.acked + 1);
      if (buffer.acked + 1 < buffer.oldest || entry === undefined || entry.from <= buffer.acked) return;
      return buffer.replace(
        entry.from,
        Array.from({ length: step.parts }, (_, i) => frame(`part ${i}`)),
      );
    }
    default:
      return step satisfies never;
  }
}

/** Everything that can be seen of a buffer. */
export function pictureOf(buffer: SendBuffer): object {
  const entries: object[] = [];
  for (let seq = buffer.oldest; seq < buffer.next; seq = buffer.at(seq)!.to + 1) entries.push({ ...buffer.at(seq)! });
  const { stream, oldest, next, acked } = buffer;
  return { stream, oldest, next, acked, entries };
}

export function describeSendBuffer(name: string, open: (room: BufferRoom) => SendBuffer): void {
  test(`${name}: the seqs from oldest to next are covered without hole or overlap, whatever is done to it`, () => {
    fc.assert(
      fc.property(fc.array(bufferStep, { maxLength: 80 }), (steps) => {
        const buffer = open({ capacityBytes: 2_000, retainBytes: 600 });
        for (const step of steps) {
          takeStep(buffer, step);
          let seq = buffer.oldest;
          while (seq < buffer.next) {
            const entry = buffer.at(seq)!;
            expect(entry.from).toBe(seq);
            expect(entry.to).toBeGreaterThanOrEqual(seq);
            expect(entry.reason === '').toBe(entry.body !== null);
            seq = entry.to + 1;
          }
          expect(seq).toBe(buffer.next);
          expect(buffer.acked).toBeLessThan(buffer.next);
        }
      }),
    );
  });

  test(`${name}: frames get the next seq, and keep body and number of readings`, () => {
    const buffer = open({ capacityBytes: 10_000 });
    for (const text of ['a', 'ä €😀\n\u2028', '']) buffer.append([frame(text, 7)], 0);
    expect([buffer.oldest, buffer.next, buffer.acked]).toEqual([1, 4, 0]);
    expect(buffer.at(2)).toEqual({ from: 2, to: 2, ...frame('ä €😀\n\u2028', 7), reason: '' });
    expect(buffer.at(4)).toBeUndefined();
  });

  test(`${name}: frames that may be settled already stay when there is no room, and the newest is given up instead`, () => {
    const buffer = open({ capacityBytes: 1_000 });
    for (let i = 0; i < 4; i++) buffer.append([frame('x'.repeat(150))], 4);
    for (let i = 0; i < 10; i++) buffer.append([frame('x'.repeat(150))], 4);
    expect([1, 2, 3, 4].map((seq) => buffer.at(seq)!.reason)).toEqual(['', '', '', '']);
    expect(buffer.at(5)).toMatchObject({ from: 5, to: 14, reason: 'buffer-full' });
  });

  test(`${name}: settled frames stay as far as there is room for them, and can be taken back`, () => {
    const buffer = open({ capacityBytes: 100_000, retainBytes: 1_000 });
    for (let i = 0; i < 200; i++) buffer.append([frame('x')], 0);
    const told: number[] = [];
    buffer.settle(200, (entry) => told.push(entry.from));
    expect(told).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(buffer.oldest).toBeGreaterThan(180);
    expect(buffer.oldest).toBeLessThan(200);
    buffer.settle(buffer.oldest, () => told.push(0));
    expect([buffer.acked, told.length]).toEqual([buffer.oldest, 200]);
    expect(buffer.at(200)!.body).toBe(frame('x').body);
  });

  test(`${name}: one frame can become several, or a gap, and what follows is numbered anew`, () => {
    const buffer = open({ capacityBytes: 10_000 });
    for (const text of ['a', 'b', 'c']) buffer.append([frame(text)], 0);
    buffer.replace(2, [frame('b1'), frame('b2')]);
    expect([2, 3, 4].map((seq) => buffer.at(seq)!.body)).toEqual(['b1', 'b2', 'c'].map((text) => frame(text).body));
    buffer.replace(1, []);
    expect(buffer.at(1)).toMatchObject({ from: 1, to: 1, body: null, reason: 'refused' });
    expect(buffer.next).toBe(5);
  });

  test(`${name}: a gap of which a part is settled takes only its rest into a new stream`, () => {
    const buffer = open({ capacityBytes: 1_000 });
    for (let i = 0; i < 20; i++) buffer.append([frame('x'.repeat(150))], 0);
    const lost = buffer.at(1)!.to;
    buffer.settle(3, ignore);
    buffer.restart('bbbbbbbb');
    expect(buffer.at(1)).toMatchObject({ from: 1, to: lost - 3, reason: 'buffer-full' });
    expect([buffer.stream, buffer.next, buffer.acked, buffer.provenTo]).toEqual(['bbbbbbbb', 18, 0, 0]);
  });
}
