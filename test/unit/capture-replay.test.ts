// A replay is the port once more: for any bytes with any pauses, cut into any reads, the same frames at the same times; and it waits for
// the store, which a line cannot do.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captureHeader, createCaptureWriter, openCapture } from '../../gateway/protocol/capture-format.ts';
import { createReplay, type ReplayOrder } from '../../gateway/transports/serial/capture-replay.ts';
import { createFramer } from '../../gateway/transports/serial/framing-factory.ts';
import type { FramingSettings } from '../../gateway/transports/serial/framing-settings.ts';
import type { PortFrame } from '../../gateway/transports/serial/port-frames.ts';
import { createRule } from '../../gateway/transports/serial/rules-factory.ts';

const STARTED_US = 1_760_000_000_000_000;
const LIMITS = { serialLineBytes: 64, serialGapSeconds: 1 };
const ORDER: ReplayOrder = {
  framing: { kind: 'line' },
  rule: { kind: 'csv', columns: [{ metric: 'v' }] },
  speed: Number.POSITIVE_INFINITY,
  times: 'captured',
};

interface Read {
  readonly pauseUs: number;
  readonly bytes: Uint8Array;
}
async function* fileOf(reads: readonly Read[], restUs = 0) {
  const writer = createCaptureWriter(captureHeader(STARTED_US, {}));
  let atUs = STARTED_US;
  for (const { pauseUs, bytes } of reads) writer.bytes(bytes, (atUs += pauseUs));
  writer.end(atUs + restUs);
  yield writer.take();
}
async function replayOf(
  file: AsyncIterable<Uint8Array>,
  order: Partial<ReplayOrder> = {},
  store = async (_frames: readonly PortFrame[]) => true,
) {
  const stored: PortFrame[] = [];
  const replay = createReplay({
    capture: await openCapture(file),
    order: { ...ORDER, ...order },
    limits: LIMITS,
    nowUs: () => Date.now() * 1000,
    signal: new AbortController().signal,
    async store(frames) {
      const isStored = await store(frames);
      if (isStored) stored.push(...frames);
      return isStored;
    },
  });
  return { outcome: await replay.run(), stored, state: replay.state() };
}

/** What a port would have made of it, without its clock: frames that are kept, in their order. */
function portOf(reads: readonly Read[], restUs: number, framing: FramingSettings): PortFrame[] {
  const framer = createFramer(framing, { maxBytes: LIMITS.serialLineBytes, staleUs: LIMITS.serialGapSeconds * 1e6 });
  const rule = createRule(ORDER.rule, { isVerified: framing.kind === 'nmea' });
  const frames: PortFrame[] = [];
  const sink = {
    frame(bytes: Uint8Array, atUs: number): void {
      const result = rule.read(bytes, atUs);
      if (result.outcome === 'readings') frames.push({ atUs, records: result.records });
      if (result.outcome === 'refused') frames.push({ atUs, code: result.code, message: result.message, raw: Uint8Array.from(bytes) });
    },
    fault({ code, sample }: { code: string; sample: Uint8Array }, atUs: number): void {
      if (code === 'bad-checksum') frames.push({ atUs, code, message: expect.any(String) as string, raw: Uint8Array.from(sample) });
    },
  };
  let atUs = STARTED_US;
  const quiet = (forUs: number): void => {
    const { idleAfterUs } = framer;
    if (idleAfterUs !== null && forUs >= idleAfterUs) framer.idle(atUs + idleAfterUs, sink);
  };
  for (const { pauseUs, bytes } of reads) {
    quiet(pauseUs);
    atUs += pauseUs;
    framer.push(bytes, atUs, sink);
  }
  quiet(restUs);
  framer.end(atUs + restUs, sink);
  return frames;
}

const anyRead = fc.record({
  pauseUs: fc.oneof({ arbitrary: fc.nat(30_000), weight: 5 }, fc.nat(2_000_000)),
  bytes: fc
    .array(fc.constantFrom(0x0a, 0x0d, 0x24, 0x2a, 0x30, 0x31, 0x2e, 0xc0, 0xdb, 0, 1, 2), { minLength: 1, maxLength: 20 })
    .map((all) => Uint8Array.from(all)),
});

test.for<FramingSettings>([
  { kind: 'line' },
  { kind: 'nmea' },
  { kind: 'delimiter', delimiterHex: '2a' },
  { kind: 'fixed', lengthBytes: 4, syncHex: '' },
  { kind: 'length-prefixed', syncHex: '', offsetBytes: 0, sizeBytes: 1, byteOrder: 'big', addBytes: 1 },
  { kind: 'slip' },
  { kind: 'cobs' },
  { kind: 'gap', gapMs: 20 },
])('$kind: a replay makes the frames of the port', async (framing) => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRead, { maxLength: 40 }), fc.nat(2_000_000), async (reads, restUs) => {
      const { outcome, stored } = await replayOf(fileOf(reads, restUs), { framing });
      expect(outcome).toBe('whole');
      expect(stored).toEqual(portOf(reads, restUs, framing));
    }),
    { numRuns: 60 },
  );
});

test('frames wait for the store, one batch at a time, and are offered again when it did not take them', async () => {
  const line = (i: number): Read => ({ pauseUs: 100, bytes: Buffer.from(`${i}\n`) });
  let underWay = 0;
  let most = 0;
  let longest = 0;
  let calls = 0;
  const { stored, state } = await replayOf(fileOf(Array.from({ length: 50_000 }, (_, i) => line(i))), {}, async (frames) => {
    most = Math.max(most, ++underWay);
    longest = Math.max(longest, frames.length);
    await new Promise((resolve) => setTimeout(resolve, 2));
    underWay--;
    return ++calls !== 2;
  });
  expect(stored.map((frame) => 'records' in frame && frame.records[0]?.v)).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
  expect(most).toBe(1);
  // 64 KiB of lines of 6 bytes
  expect(longest).toBeLessThan(25_000);
  expect(state.counts).toMatchObject({ frames: 50_000, readings: 50_000, faults: {} });
});

test('what is missing in a capture, and a port that hung up, end the line under way', async () => {
  const writer = createCaptureWriter(captureHeader(STARTED_US, {}));
  writer.bytes(Buffer.from('1\n2'), STARTED_US + 1);
  writer.leftOut(500, STARTED_US + 2);
  writer.bytes(Buffer.from('3\n4'), STARTED_US + 3);
  writer.hangUp(STARTED_US + 4);
  writer.bytes(Buffer.from('5\n'), STARTED_US + 5);
  writer.end(STARTED_US + 6);
  async function* file() {
    yield writer.take();
  }
  const { stored, state } = await replayOf(file());
  expect(stored.map((frame) => 'records' in frame && frame.records[0]?.v)).toEqual([1, 3, 5]);
  expect(state).toMatchObject({ leftOutBytes: 500, hangUps: 1, counts: { faults: { 'stale-partial': 2 } } });
});

test('a store that breaks ends the replay', async () => {
  const file = fileOf([{ pauseUs: 1, bytes: Buffer.from('1\n') }]);
  await expect(replayOf(file, {}, () => Promise.reject(new Error('the disk is gone')))).rejects.toThrow('the disk is gone');
});

test('a pause that is longer than a timer can be is waited for all the same', async () => {
  const leaving = new AbortController();
  const reads = [
    { pauseUs: 0, bytes: Buffer.from('1\n') },
    { pauseUs: 3_600_000_000, bytes: Buffer.from('2\n') },
  ];
  let stored = 0;
  const replay = createReplay({
    capture: await openCapture(fileOf(reads)),
    // an hour takes six weeks
    order: { ...ORDER, speed: 0.001 },
    limits: LIMITS,
    nowUs: () => Date.now() * 1000,
    signal: leaving.signal,
    async store(frames) {
      stored += frames.length;
      return true;
    },
  });
  const running = replay.run();
  await expect.poll(() => stored).toBe(1);
  setTimeout(() => leaving.abort(), 100);
  await expect(running).rejects.toThrow('aborted');
  expect(stored).toBe(1);
});
