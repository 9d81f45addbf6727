// Framings do work in proportion to bytes, whatever they are and however they are cut: steps are counted, not timed.

import { afterAll, expect, test } from 'vitest';
import type { FramingSettings } from '../../gateway/transports/serial/framing-settings.ts';
import { frameBytes } from '../support/framed-bytes.ts';
import { countSteps } from '../support/step-counter.ts';

const counter = countSteps(/\/gateway\/transports\/serial\/framing-\w+\.ts/);
afterAll(() => counter[Symbol.dispose]());

const STEPS_PER_BYTE = 80;
const STEPS_ANYWAY = 4000;
const COUNTED_LIMITS = { maxBytes: 4096, staleUs: 2_000_000 };
const repeated = (pattern: readonly number[], bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => pattern[i % pattern.length]);
const AAAB = `${'61'.repeat(15)}62`;

test.for<[string, FramingSettings, readonly number[]]>([
  ['line, no border', { kind: 'line' }, [0x78]],
  ['line, borders alone', { kind: 'line' }, [0x0d, 0x0a]],
  ['line, lines of one byte', { kind: 'line' }, [0x78, 0x0a]],
  ['nmea, tag blocks without end', { kind: 'nmea' }, [0x5c, 0x24, 0x0a]],
  ['delimiter, almost found all the time', { kind: 'delimiter', delimiterHex: AAAB }, [0x61]],
  ['slip, escapes', { kind: 'slip' }, [0xdb, 0xdc, 0xc0]],
  ['cobs, blocks', { kind: 'cobs' }, [1, 1, 1, 1, 0]],
  ['fixed, sync bytes almost found all the time', { kind: 'fixed', lengthBytes: 32, syncHex: AAAB }, [0x61]],
  ['fixed, noise', { kind: 'fixed', lengthBytes: 4096, syncHex: 'ffff' }, [0xff, 0]],
  [
    'length-prefixed, impossible lengths',
    { kind: 'length-prefixed', syncHex: '', offsetBytes: 64, sizeBytes: 4, byteOrder: 'big', addBytes: 0 },
    [0xff],
  ],
  [
    'length-prefixed, sync bytes before impossible lengths',
    { kind: 'length-prefixed', syncHex: '61'.repeat(16), offsetBytes: 16, sizeBytes: 1, byteOrder: 'big', addBytes: 0 },
    [0x61 - 0x60, ...Array(17).fill(0x61)],
  ],
  ['gap', { kind: 'gap', gapMs: 20 }, [0x78]],
])('%s: steps are in proportion to bytes, a chunk or a byte at a time', ([name, settings, pattern]) => {
  const stepsOf = (bytes: number, chunkBytes: number): number => {
    const stream = repeated(pattern, bytes);
    const { framer } = frameBytes(settings, COUNTED_LIMITS);
    const sink = { frame: () => {}, fault: () => {} };
    return counter.count(() => {
      for (let at = 0; at < bytes; at += chunkBytes) framer.push(stream.subarray(at, at + chunkBytes), 1_000_000, sink);
      framer.end(1_000_000, sink);
    });
  };
  for (const chunkBytes of [1, 7, 65_536]) {
    const small = stepsOf(20_000, chunkBytes);
    const large = stepsOf(80_000, chunkBytes);
    expect(small, `${name}, chunks of ${chunkBytes}`).toBeGreaterThan(0);
    expect(large, `${name}, chunks of ${chunkBytes}`).toBeLessThanOrEqual(5 * small + STEPS_ANYWAY);
    expect(large, `${name}, chunks of ${chunkBytes}`).toBeLessThanOrEqual(STEPS_PER_BYTE * 80_000);
  }
});
