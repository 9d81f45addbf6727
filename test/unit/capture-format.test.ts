// The file of a capture: what is written comes back, however it is cut into pieces; what is cut short or damaged is read up to there.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  captureHeader,
  type CaptureRecord,
  createCaptureReader,
  createCaptureWriter,
  openCapture,
} from '../../gateway/protocol/capture-format.ts';

const STARTED_US = 1_760_000_000_123_456;
const PORT = { path: '/dev/ttyUSB0', baudRate: 9600, framing: { kind: 'line' } };

const anyRecord: fc.Arbitrary<CaptureRecord & { pauseUs: number }> = fc
  .tuple(
    fc.oneof({ arbitrary: fc.nat(5_000_000), weight: 9 }, fc.constant(2 ** 41)),
    fc.oneof(
      { arbitrary: fc.uint8Array({ minLength: 1, maxLength: 600 }).map((bytes) => ({ kind: 'bytes' as const, bytes })), weight: 8 },
      fc.nat(2 ** 40).map((count) => ({ kind: 'left-out' as const, count })),
      fc.constant({ kind: 'hang-up' as const }),
    ),
  )
  .map(([pauseUs, record]) => ({ ...record, pauseUs, atUs: 0 }));

function written(records: readonly (CaptureRecord & { pauseUs: number })[], isEnded = true): { file: Buffer; timed: CaptureRecord[] } {
  const writer = createCaptureWriter(captureHeader(STARTED_US, PORT));
  const pieces: Uint8Array[] = [];
  const timed: CaptureRecord[] = [];
  let atUs = STARTED_US;
  for (const { pauseUs, ...record } of records) {
    atUs += pauseUs;
    timed.push({ ...record, atUs });
    if (record.kind === 'bytes') writer.bytes(record.bytes, atUs);
    else if (record.kind === 'left-out') writer.leftOut(record.count, atUs);
    else writer.hangUp(atUs);
    if (pauseUs % 3 === 0) pieces.push(writer.take());
  }
  if (isEnded) {
    writer.end(atUs);
    timed.push({ kind: 'end', atUs });
  }
  pieces.push(writer.take());
  return { file: Buffer.concat(pieces), timed };
}

function read(file: Uint8Array, cuts: readonly number[] = [file.length]) {
  const reader = createCaptureReader();
  const records: CaptureRecord[] = [];
  for (let from = 0, i = 0; from < file.length; i++) {
    const to = Math.min(file.length, from + (cuts[i % cuts.length] ?? file.length));
    records.push(...reader.push(file.subarray(from, to)));
    from = to;
  }
  const last = reader.close();
  records.push(...last.records);
  const plain = records.map((record) => (record.kind === 'bytes' ? { ...record, bytes: Uint8Array.from(record.bytes) } : record));
  return { records: plain, outcome: last.outcome, header: reader.header, problem: reader.problem, readTo: reader.readTo };
}

test('what was written comes back with its times, however the file is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 40 }), fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (records, cuts) => {
      const { file, timed } = written(records);
      const back = read(file, cuts);
      expect(back.header).toMatchObject({ startedUs: STARTED_US, port: PORT });
      expect(back.records).toEqual(timed);
      expect(back.outcome).toBe('whole');
    }),
    { numRuns: 200 },
  );
});

test('a file that was cut off anywhere is read up to its last whole record, and says that it has no end', () => {
  const bytes = { kind: 'bytes' as const, bytes: Uint8Array.from({ length: 700 }, (_, i) => i), pauseUs: 1000, atUs: 0 };
  const { file, timed } = written(Array.from({ length: 12 }, () => bytes));
  const headerEnd = file.indexOf(0x0a) + 1;
  let most = 0;
  for (let end = headerEnd; end < file.length; end++) {
    const back = read(file.subarray(0, end));
    expect(back.records).toEqual(timed.slice(0, back.records.length));
    expect(back.records.length).toBeGreaterThanOrEqual(most);
    most = back.records.length;
    expect(back.outcome).toBe('cut-short');
    expect(back.readTo).toBeLessThanOrEqual(end);
    expect(end - back.readTo).toBeLessThan(720);
  }
  expect(most).toBe(timed.length);
});

test('a byte that has changed is found by the check after it: nothing of that block is given out, and all before it is', () => {
  const records = Array.from({ length: 40 }, (_, i) => ({
    kind: 'bytes' as const,
    bytes: Uint8Array.from({ length: 300 }, (_, at) => (i * 7 + at) & 0xff),
    pauseUs: 1000,
    atUs: 0,
  }));
  const { file, timed } = written(records);
  fc.assert(
    fc.property(fc.integer({ min: file.indexOf(0x0a) + 1, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] as number) ^ change;
      const back = read(damaged);
      expect(back.outcome).not.toBe('whole');
      // in the last block it may look like the end of a file that was cut off: what no check follows is given out as it is
      const sure = back.outcome === 'damaged' ? back.records : back.records.slice(0, -15);
      expect(sure).toEqual(timed.slice(0, sure.length));
      // a block is some 4 KiB, and a record of these some 310 bytes
      expect(back.records.length).toBeGreaterThanOrEqual(Math.floor((at - 5200) / 325));
    }),
    { numRuns: 300 },
  );
});

test('letters that a later version adds are passed over', async () => {
  const writer = createCaptureWriter(captureHeader(STARTED_US, PORT));
  writer.bytes(Buffer.from('a'), STARTED_US + 5);
  const first = writer.take();
  // a note of two bytes, 7 us later, before anything vouches for it
  const note = Uint8Array.from([0x5a, 7, 0, 0, 0, 0, 0, 2, 0, 1, 2]);
  const back = read(Buffer.concat([first, note]));
  expect(back.records).toEqual([{ kind: 'bytes', atUs: STARTED_US + 5, bytes: Uint8Array.from([0x61]) }]);
  expect(back.readTo).toBe(first.length + note.length);
});

test.for([
  ['nothing', '', 'no capture'],
  ['a log', '$GPGGA,1*00\r\n', 'no capture'],
  ['JSON of something else', '{"format":"other"}\n', 'no capture'],
  ['a later version', '{"format":"fieldgate-capture","version":2,"startedUs":1}\n', 'version 2'],
  ['no time', '{"format":"fieldgate-capture","version":1,"startedUs":"x"}\n', 'startedUs'],
  ['a line without end', `{${' '.repeat(70_000)}`, 'no capture'],
])('%s is no capture, and is said to be none', async ([, text, says]) => {
  async function* source() {
    yield Buffer.from(text);
  }
  await expect(openCapture(source())).rejects.toThrow(says);
});

test('a block that no check ends is damage, not memory', () => {
  const reader = createCaptureReader();
  reader.push(Buffer.from(`${JSON.stringify(captureHeader(STARTED_US, {}))}\n`));
  const record = Buffer.alloc(9 + 60_000);
  record[0] = 0x44;
  record.writeUInt16LE(60_000, 7);
  for (let i = 0; i < 6; i++) expect(reader.push(record)).toEqual([]);
  expect(reader.close()).toEqual({ records: [], outcome: 'damaged' });
});
