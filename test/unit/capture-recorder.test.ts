// The tap beside a port's reader: bounded, never waiting, honest about what it left out; and the stream that hands its pieces out.

import type { MessagePort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { type CaptureRecord, openCapture } from '../../gateway/protocol/capture-format.ts';
import { createCaptureRecorder } from '../../gateway/transports/serial/capture-recorder.ts';
import { createCaptures } from '../../gateway/transports/serial/capture-streams.ts';
import { type CaptureOrder, createCaptureTaps } from '../../gateway/transports/serial/capture-taps.ts';
import type { PortEars, PortLine } from '../../gateway/transports/serial/port-line.ts';
import { until } from '../support/until.ts';

const LINE: PortLine = { path: '/dev/ttyUSB0', baudRate: 9600, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' };

async function recordsOf(pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[]) {
  async function* source() {
    yield* pieces;
  }
  const capture = await openCapture(source());
  const records: CaptureRecord[] = [];
  for await (const record of capture.records()) records.push(record);
  return { records, outcome: capture.end.outcome, header: capture.header };
}
const said = (records: readonly CaptureRecord[]): string =>
  records.map((record) => (record.kind === 'bytes' ? Buffer.from(record.bytes).toString() : `<${record.kind}>`)).join('');

test('a piece is posted when it is allowed; what does not fit meanwhile is left out and counted where it was', async () => {
  const pieces: Uint8Array[] = [];
  let nowUs = 1_760_000_000_000_000;
  const recorder = createCaptureRecorder({
    port: { path: 'p' },
    maxBytes: Number.POSITIVE_INFINITY,
    bufferBytes: 1000,
    nowUs: () => nowUs++,
    post: (piece) => void pieces.push(piece),
  });
  recorder.heard(Buffer.from('a'));
  expect(pieces).toHaveLength(0);
  recorder.allow();
  expect(pieces).toHaveLength(1);
  recorder.heard(Buffer.alloc(600, 'b'));
  recorder.heard(Buffer.alloc(600, 'c'));
  // smaller, but it came after what is missing
  recorder.heard(Buffer.from('d'));
  recorder.allow();
  recorder.heard(Buffer.from('e'));
  recorder.finish();
  recorder.finish();
  recorder.heard(Buffer.from('too late'));
  const { records, outcome } = await recordsOf(pieces);
  expect(outcome).toBe('whole');
  expect(said(records)).toBe(`a${'b'.repeat(600)}<left-out>e<end>`);
  expect(records.find((record) => record.kind === 'left-out')).toMatchObject({ count: 601 });
});

test('it ends after the bytes that were asked for, in the middle of a read', async () => {
  const pieces: Uint8Array[] = [];
  const options = { port: {}, maxBytes: 5, bufferBytes: 1000, nowUs: () => 1_760_000_000_000_000 };
  const recorder = createCaptureRecorder({ ...options, post: (piece) => void pieces.push(piece) });
  recorder.heard(Buffer.from('abc'));
  recorder.heard(Buffer.from('defg'));
  expect(said((await recordsOf(pieces)).records)).toBe('abcde<end>');
});

/** Taps in this thread, on a port whose driver is the test. */
function bench() {
  let ears: PortEars | undefined;
  const heard: string[] = [];
  const taps = createCaptureTaps(async (_line, own) => {
    ears = own;
    return { pause: () => undefined, resume: () => undefined, write: () => undefined, close: async () => own.ended() } as never;
  });
  const captures = createCaptures({
    bufferBytes: 100_000,
    tap(order: CaptureOrder, channel) {
      taps.start(order, channel);
      return true;
    },
  });
  const opened = taps.open(LINE, {
    bytes: (bytes) => void heard.push(Buffer.from(bytes).toString()),
    fault: () => undefined,
    ended: () => void heard.push('ended'),
  });
  const port = { id: 'x', path: LINE.path, settings: { ...LINE } };
  return { taps, captures, opened, heard, port, say: (text: string) => ears?.bytes(Buffer.from(text)), hangUp: () => ears?.ended() };
}

test('the reader hears what it heard before, the capture has it with a hang-up, and a second one has to wait', async () => {
  const { captures, opened, heard, port, say, hangUp } = bench();
  await opened;
  const stream = captures.open(port, { seconds: 60, maxBytes: 1000 });
  expect(stream).not.toBeNull();
  expect(captures.open(port, { seconds: 60, maxBytes: 1000 })).toBeNull();
  say('1\n');
  hangUp();
  say('2\n');
  expect(captures.finish('x')).toBe(true);
  const { records, outcome, header } = await recordsOf(stream as unknown as AsyncIterable<Uint8Array>);
  expect(said(records)).toBe('1\n<hang-up>2\n<end>');
  expect([outcome, header.port]).toEqual(['whole', { ...LINE }]);
  expect(heard).toEqual(['1\n', 'ended', '2\n']);
  await until(
    () => !captures.finish('x'),
    () => 'the capture is not over',
  );
  const again = captures.open(port, { seconds: 60, maxBytes: 3 });
  say('345');
  expect(said((await recordsOf(again as unknown as AsyncIterable<Uint8Array>)).records)).toBe('345<end>');
});

test('who leaves ends the capture, who takes nothing gets a gap, and a port is never told to wait', async () => {
  const { captures, opened, heard, port, say } = bench();
  await opened;
  const left = captures.open(port, { seconds: 60, maxBytes: 2 ** 40 });
  await left?.cancel();
  await until(
    () => !captures.finish('x'),
    () => 'the capture is not over',
  );
  const slow = captures.open(port, { seconds: 60, maxBytes: 2 ** 40 });
  for (let i = 0; i < 100; i++) say('z'.repeat(10_000));
  expect(heard).toHaveLength(100);
  captures.finish('x');
  const { records } = await recordsOf(slow as unknown as AsyncIterable<Uint8Array>);
  const sum = { bytes: 0, 'left-out': 0, 'hang-up': 0, end: 0 };
  for (const record of records)
    sum[record.kind] += record.kind === 'bytes' ? record.bytes.length : record.kind === 'left-out' ? record.count : 1;
  expect(sum['left-out']).toBeGreaterThan(500_000);
  expect(sum.bytes + sum['left-out']).toBe(1_000_000);
});

test('a capture ends when its time is over, and when the thread ends it with the others', async () => {
  const { taps, captures, opened, port } = bench();
  await opened;
  const short = captures.open(port, { seconds: 0.05, maxBytes: 10 });
  expect((await recordsOf(short as unknown as AsyncIterable<Uint8Array>)).outcome).toBe('whole');
  await until(
    () => !captures.finish('x'),
    () => 'the capture is not over',
  );
  const long = captures.open(port, { seconds: 60, maxBytes: 10 });
  taps.close();
  expect((await recordsOf(long as unknown as AsyncIterable<Uint8Array>)).outcome).toBe('whole');
});

test('when the thread breaks, the file stops where it is, and says so to who reads it', async () => {
  let theirs: MessagePort | undefined;
  const captures = createCaptures({
    bufferBytes: 1000,
    tap(_order, channel) {
      theirs = channel;
      return true;
    },
  });
  const stream = captures.open({ id: 'x', path: 'p', settings: {} }, { seconds: 60, maxBytes: 10 });
  const piece = Uint8Array.from(Buffer.from('{"format":"fieldgate-capture","version":1,"startedUs":5}\n'));
  theirs?.postMessage({ piece, isLast: false });
  theirs?.close();
  expect((await recordsOf(stream as unknown as AsyncIterable<Uint8Array>)).outcome).toBe('cut-short');
});
