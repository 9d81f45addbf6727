// Framings whose frames end with a border: lines, delimiters, SLIP, COBS, NMEA. A splitter of our own, because a border may never come.

import type { FrameSink, FramingLimits } from './framing.ts';
import { createPartialFrame } from './framing-partial.ts';
import type { Gatherer } from './framing-silence.ts';

/** Finds the ends of borders in bytes that come one after the other, in whatever chunks. */
export interface Border {
  /** How many bytes the border has that ends with this byte; 0: none does. */
  step(byte: number): number;
  /** What comes next doesn't follow what came before. */
  reset(): void;
}

/** What lies between two borders, to a frame or a fault. `bytes` is valid during the call. */
export type Deliver = (bytes: Uint8Array, atUs: number, sink: FrameSink) => void;

export interface BorderedFrames {
  readonly border: Border;
  readonly deliver: Deliver;
  /** Where a frame's own bytes show that it is whole: it needs no border then, and no other bytes can be taken for it. */
  readonly isWhole?: (bytes: Uint8Array) => boolean;
}

/** CR or LF. Of CRLF and LFCR the second ends an empty line, which is none. */
export const LINE_END: Border = {
  step: (byte) => (byte === 0x0a || byte === 0x0d ? 1 : 0),
  reset: () => {},
};

/** Knuth, Morris, Pratt: linear, and nothing of the past need be kept for a border that was cut between chunks. */
export function createSequence(sequence: Uint8Array): Border {
  const shorter = new Uint8Array(sequence.length);
  for (let i = 1, n = 0; i < sequence.length; i++) {
    while (n > 0 && sequence[i] !== sequence[n]) n = shorter[n - 1];
    if (sequence[i] === sequence[n]) n++;
    shorter[i] = n;
  }
  let matched = 0;
  return {
    step(byte) {
      while (matched > 0 && sequence[matched] !== byte) matched = shorter[matched - 1];
      if (sequence[matched] === byte) matched++;
      if (matched < sequence.length) return 0;
      matched = 0;
      return sequence.length;
    },
    reset() {
      matched = 0;
    },
  };
}

export function createBorderedGatherer({ border, deliver, isWhole }: BorderedFrames, limits: FramingLimits): Gatherer {
  const partial = createPartialFrame(limits.maxBytes);
  // After a stale beginning the rest of that frame may still come. Half a line can look like a whole one (of 21.5 is left 1.5): what
  // comes up to the next border is dropped as well, unless a frame shows by itself that it is whole.
  let isTail = false;
  const finish = (borderBytes: number, atUs: number, sink: FrameSink): void => {
    partial.cut(borderBytes);
    if (partial.isTooLong) partial.drop('line-too-long', atUs, sink);
    else if (partial.bytes > 0 && isTail) partial.drop('stale-partial', atUs, sink);
    else if (partial.bytes > 0) pass(atUs, sink);
    isTail = false;
  };
  const pass = (atUs: number, sink: FrameSink): void => {
    const content = partial.content();
    partial.clear();
    deliver(content, atUs, sink);
  };
  const abandon = (atUs: number, sink: FrameSink): void => {
    if (partial.isTooLong) partial.drop('line-too-long', atUs, sink);
    else if (isWhole?.(partial.content())) pass(atUs, sink);
    else if (partial.bytes > 0) partial.drop('stale-partial', atUs, sink);
  };
  return {
    get isPending() {
      return partial.bytes > 0;
    },
    take(bytes, atUs, sink) {
      let from = 0;
      for (let i = 0; i < bytes.length; i++) {
        const borderBytes = border.step(bytes[i]);
        if (borderBytes === 0) continue;
        partial.add(bytes, from, i + 1);
        finish(borderBytes, atUs, sink);
        from = i + 1;
      }
      partial.add(bytes, from, bytes.length);
    },
    silence(atUs, sink) {
      abandon(atUs, sink);
      isTail = isWhole === undefined;
    },
    end(atUs, sink) {
      abandon(atUs, sink);
      border.reset();
      isTail = false;
    },
  };
}
