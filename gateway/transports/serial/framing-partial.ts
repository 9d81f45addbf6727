// The unfinished frame of one port: its first bytes up to a bound, and how many there were in all. One buffer for the port's life.

import type { FrameSink, FramingFaultCode } from './framing.ts';

/** Of what was dropped so much is shown. */
export const SAMPLE_BYTES = 256;

export interface PartialFrame {
  /** Bytes since it was begun, kept or not. */
  readonly bytes: number;
  readonly isTooLong: boolean;
  add(bytes: Uint8Array, from: number, to: number): void;
  /** The last `count` bytes were not the frame's but its border's; those that came before it was begun are not counted. */
  cut(count: number): void;
  /** What it has; valid until the next `add`. */
  content(): Uint8Array;
  /** Begin anew, without a word. */
  clear(): void;
  /** Begin anew, and say what was dropped. */
  drop(code: FramingFaultCode, atUs: number, sink: FrameSink): void;
}

export function createPartialFrame(maxBytes: number): PartialFrame {
  const kept = new Uint8Array(maxBytes);
  let bytes = 0;
  const content = (): Uint8Array => kept.subarray(0, Math.min(bytes, maxBytes));
  return {
    get bytes() {
      return bytes;
    },
    get isTooLong() {
      return bytes > maxBytes;
    },
    add(from, start, end) {
      // A loop, not `set`: with a byte at a time a view would cost more than the byte.
      const fits = Math.min(end, start + Math.max(0, maxBytes - bytes));
      for (let i = start, to = bytes; i < fits; i++, to++) kept[to] = from[i];
      bytes += end - start;
    },
    cut(count) {
      bytes = Math.max(0, bytes - count);
    },
    content,
    clear() {
      bytes = 0;
    },
    drop(code, atUs, sink) {
      sink.fault({ code, sample: content().subarray(0, SAMPLE_BYTES), bytes }, atUs);
      bytes = 0;
    },
  };
}
