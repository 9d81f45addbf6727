// The buffer in a file after every kind of bad end: torn, damaged, rolled back, a full disk, a power cut; and what a gateway gets then.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDeviceClient } from '../../gateway/protocol/device-client.ts';
import { encodeRecord, UnknownBufferFormat } from '../../gateway/protocol/buffer-log.ts';
import { crc32c } from '../../gateway/protocol/crc32c.ts';
import { type BufferFile, type FileBuffer, openFileBuffer } from '../../gateway/protocol/file-buffer.ts';
import { BufferFault } from '../../gateway/protocol/send-buffer.ts';
import { frame, pictureOf } from '../contract/send-buffer.ts';
import { createMemoryFile } from '../support/memory-file.ts';
import { createManualClock, createScriptedSocket, LIMITS, type ScriptedSocket } from '../support/scripted-gateway.ts';

const ignore = (): void => {};
const open = (file: BufferFile, more: object = {}): FileBuffer =>
  openFileBuffer({ file, random: Math.random, sync: 'every-frame', ...more });

function filled(frames: number): { file: ReturnType<typeof createMemoryFile>; buffer: FileBuffer } {
  const file = createMemoryFile();
  const buffer = open(file);
  for (let i = 1; i <= frames; i++) buffer.append([frame(`frame ${i}`)], 0);
  return { file, buffer };
}

test('the checksum is CRC-32C', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('a file reads as it is documented: a line a record, checksum first', () => {
  const { file, buffer } = filled(1);
  buffer.confirm(0);
  buffer.settle(1, ignore);
  const lines = new TextDecoder().decode(file.bytes).trimEnd().split('\n');
  expect(lines.map((line) => line.slice(9))).toEqual([`S 1 ${buffer.stream} 1 0 0`, 'F 1 1 ["frame 1"]', 'M', 'A 1']);
  for (const line of lines) expect(Number.parseInt(line.slice(0, 8), 16)).toBe(crc32c(new TextEncoder().encode(line.slice(9))));
});

test('cut anywhere in its last record, a file gives everything before it, and goes on under the same stream', () => {
  const { file, buffer } = filled(3);
  const before = pictureOf(buffer);
  const whole = file.bytes.length;
  buffer.append([frame('the last one, with ü')], 0);
  for (let bytes = whole; bytes < file.bytes.length; bytes++) {
    const torn = createMemoryFile(file.bytes.slice(0, bytes));
    const again = open(torn);
    expect(again.opening).toBe('continued');
    expect(pictureOf(again)).toEqual(before);
    again.append([frame('another')], 0);
    expect(pictureOf(open(torn))).toEqual(pictureOf(again));
  }
});

test('a tail of zeros or of noise, as some file systems leave it, is a torn tail', () => {
  const { file, buffer } = filled(3);
  for (const tail of [new Uint8Array(4_096), Uint8Array.from({ length: 3_000 }, (_, i) => (i * 7_919) % 251)]) {
    const again = open(createMemoryFile(Buffer.concat([file.bytes, tail])));
    expect(again.opening).toBe('continued');
    expect(pictureOf(again)).toEqual(pictureOf(buffer));
  }
});

test('one wrong byte anywhere but in the last record leads to a new stream, and only the record that it is in is lost', () => {
  const { file, buffer } = filled(4);
  // its newline too: without it the last two records are one torn tail
  const lastLine = file.bytes.lastIndexOf(10, file.bytes.length - 2);
  for (let at = 0; at < lastLine; at++) {
    const bytes = file.bytes.slice();
    bytes[at]! ^= 0x01;
    const damaged = createMemoryFile(bytes);
    const again = open(damaged);
    expect(again.opening).toBe('damaged');
    expect(again.stream).not.toBe(buffer.stream);
    expect([again.oldest, again.acked, again.provenTo]).toEqual([1, 0, 0]);
    const bodies: string[] = [];
    for (let seq = 1; seq < again.next; seq = again.at(seq)!.to + 1) bodies.push(again.at(seq)!.body ?? again.at(seq)!.reason);
    // a newline that is gone takes the line behind it along
    const frames = bodies.filter((body) => body !== 'damaged');
    expect(frames.length).toBeGreaterThanOrEqual(2);
    expect(frames).toEqual([1, 2, 3, 4].map((i) => frame(`frame ${i}`).body).filter((body) => frames.includes(body)));
    expect(open(damaged)).toMatchObject({ opening: 'continued', stream: again.stream });
  }
});

test('frames that damage has taken from the middle are declared', () => {
  const { file } = filled(6);
  const text = new TextDecoder().decode(file.bytes).replace('frame 3', 'fRame 3').replace('frame 4', 'fRame 4');
  const again = open(createMemoryFile(new TextEncoder().encode(text)));
  expect(again.at(3)).toMatchObject({ from: 3, to: 4, body: null, reason: 'damaged' });
  expect(again.at(5)!.body).toBe(frame('frame 5').body);
});

test('a file of a later version is left alone', () => {
  const line = (payload: string) =>
    new TextEncoder().encode(`${crc32c(new TextEncoder().encode(payload)).toString(16).padStart(8, '0')} ${payload}\n`);
  for (const payload of ['S 2 aaaaaaaa 1 0 0', 'Z 1']) {
    const file = createMemoryFile(line(payload));
    expect(() => open(file)).toThrow(UnknownBufferFormat);
    expect(file.bytes).toEqual(line(payload));
  }
});

test('a full disk refuses a frame and changes nothing, and what comes after it is whole again', () => {
  const { file, buffer } = filled(3);
  const before = pictureOf(buffer);
  const wholeBytes = file.bytes.length;
  for (let room = 0; room < 30; room++) {
    file.limitBytes = wholeBytes + room;
    expect(() => buffer.append([frame('does not fit at all, by any means')], 0)).toThrow(BufferFault);
    expect(pictureOf(buffer)).toEqual(before);
    file.limitBytes = Number.POSITIVE_INFINITY;
    expect(pictureOf(open(createMemoryFile(file.bytes)))).toEqual(before);
  }
  buffer.append([frame('fits')], 0);
  expect(pictureOf(open(createMemoryFile(file.bytes)))).toEqual(pictureOf(buffer));
});

test('with a full disk a device still sends what it has and hears what became of it', () => {
  const { file, buffer: before } = filled(3);
  before.confirm(0);
  file.limitBytes = file.bytes.length;
  const buffer = open(file);
  buffer.confirm(0);
  buffer.settle(2, ignore);
  expect([buffer.acked, buffer.next]).toEqual([2, 4]);
});

test('a disk that does not sync takes no frame, and is believed again only after everything was written anew', () => {
  const { file, buffer } = filled(2);
  const before = pictureOf(buffer);
  file.isSyncBroken = true;
  expect(() => buffer.append([frame('x')], 0)).toThrow(BufferFault);
  expect(() => buffer.replace(1, [])).toThrow(BufferFault);
  expect(() => buffer.restart('bbbbbbbb')).toThrow(BufferFault);
  expect(() => buffer.confirm(0)).toThrow(BufferFault);
  expect(pictureOf(buffer)).toEqual(before);
  file.isSyncBroken = false;
  const replaced = file.replaced;
  buffer.append([frame('y')], 0);
  expect(file.replaced).toBe(replaced + 1);
  expect(pictureOf(open(createMemoryFile(file.synced)))).toEqual(pictureOf(buffer));
});

test('the file stays within twice of what it holds and 64 KiB, however much goes through it', () => {
  const file = createMemoryFile();
  const buffer = open(file, { capacityBytes: 40_000, retainBytes: 10_000 });
  let highest = 0;
  for (let i = 0; i < 5_000; i++) {
    buffer.append([frame('x'.repeat(100))], buffer.next - 1);
    if (i % 3 === 0) buffer.settle(buffer.next - 1, ignore);
    highest = Math.max(highest, file.bytes.length);
  }
  expect(highest).toBeLessThan(2 * 40_000 + 64 * 1_024 + 200);
  expect(file.replaced).toBeGreaterThan(3);
  expect(pictureOf(open(createMemoryFile(file.bytes), { capacityBytes: 40_000, retainBytes: 10_000 }))).toEqual(pictureOf(buffer));
});

test('with an interval a frame is synced that long after it came, and at the close', () => {
  const clock = createManualClock();
  const file = createMemoryFile();
  const buffer = open(file, { sync: { everyMs: 1_000, clock } });
  buffer.append([frame('a')], 0);
  buffer.append([frame('b')], 0);
  clock.advance(999);
  expect(file.synced.length).toBeLessThan(file.bytes.length);
  clock.advance(1);
  expect(file.synced).toEqual(file.bytes);
  buffer.append([frame('c')], 0);
  buffer.close();
  buffer.close();
  expect(file.synced).toEqual(file.bytes);
  expect(clock.timers).toBe(0);
});

test('an encoded record is one line', () => {
  const bytes = encodeRecord({ kind: 'replaced', seq: 1, frames: [{ readings: 1, body: '["\\n"]' }] });
  expect([bytes.indexOf(10), bytes.at(-1)]).toEqual([bytes.length - 1, 10]);
});

/** A gateway that keeps the rules, and a device whose program and machine may end at any moment. */
function createPlant(sync: 'every-frame' | 'interval') {
  let clock = createManualClock();
  const marks = new Map<string, number>();
  const stored: number[] = [];
  let file = createMemoryFile();
  let buffer: FileBuffer;
  let socket: ScriptedSocket;
  let client: ReturnType<typeof createDeviceClient>;
  let read = 0;
  let isOver = false;

  function boot(bytes: Uint8Array): void {
    file = createMemoryFile(bytes);
    // timers end with the program that set them
    clock = createManualClock();
    buffer = open(file, { capacityBytes: 1e9, sync: sync === 'every-frame' ? sync : { everyMs: 1e9, clock } });
    client = createDeviceClient({
      buffer,
      clock,
      random: Math.random,
      software: 'test 1',
      connect(events) {
        read = 0;
        isOver = false;
        return (socket = createScriptedSocket(events, buffer));
      },
    });
  }
  const end = (code: number, reason = ''): void => {
    isOver = true;
    socket.events.closed({ code, reason });
  };
  boot(new Uint8Array(0));
  return {
    stored,
    get unsettled() {
      return client.unsettled;
    },
    get file() {
      return file;
    },
    send: (value: number) => client.send([{ n: 'x', v: value }]),
    /** Greets and reads up to `most` messages. */
    work(most: number) {
      if (client.state === 'stopped') client.start();
      for (let i = 0; i < 200 && client.state === 'waiting'; i++) clock.advance(1_000);
      if (client.state === 'connecting' && !isOver && socket.sent.length === 0) socket.events.opened();
      for (let i = 0; i < most && !isOver && read < socket.sent.length; i++) {
        const message = socket.sent[read++] as Record<string, number | string>;
        const stream = message['type'] === 'hello' ? String(message['stream']) : buffer.stream;
        const acked = marks.get(stream) ?? 0;
        if (message['type'] === 'hello') {
          if ((message['next'] as number) > acked) socket.welcome(acked, { stream, limits: LIMITS });
          else {
            socket.say({ type: 'error', code: 'seq-regression', message: '', fatal: true, expected: acked + 1 });
            end(4409, 'seq-regression');
          }
          // a device that does not like its welcome hangs up
          isOver ||= client.state !== 'online';
        } else {
          expect(message['seq']).toBe(acked + 1);
          marks.set(stream, acked + 1);
          stored.push((message as unknown as { readings: { v: number }[] }).readings[0]!.v);
        }
      }
    },
    ack() {
      if (client.state === 'online' && !isOver) socket.say({ type: 'ack', seq: marks.get(buffer.stream) ?? 0 });
    },
    drop() {
      if (client.state === 'online' && !isOver) end(1006);
    },
    /** The program dies and starts again; a power cut takes what was not synced; an old image takes all that came since. */
    crash: () => boot(file.bytes.slice()),
    powerCut: () => boot(file.synced.slice()),
    restoreImage: (bytes: Uint8Array) => boot(bytes.slice()),
  };
}

const plantAct = fc.record({
  sends: fc.nat(4),
  reads: fc.nat(8),
  acks: fc.boolean(),
  end: fc.constantFrom('none', 'none', 'none', 'drop', 'crash', 'power', 'image'),
});

test.each(['every-frame', 'interval'] as const)(
  'with sync %s every reading arrives once and in order over crashes and power cuts',
  (sync) => {
    fc.assert(
      fc.property(fc.array(plantAct, { maxLength: 50 }), (acts) => {
        const plant = createPlant(sync);
        let value = 0;
        /** What a power cut may take with it: in no synced file, and not stored by the gateway. */
        const excused = new Set<number>();
        for (const act of acts) {
          for (let i = 0; i < act.sends; i++) plant.send(value++);
          plant.work(act.reads);
          if (act.acks) plant.ack();
          if (act.end === 'drop') plant.drop();
          if (act.end === 'crash') plant.crash();
          if (act.end !== 'power') continue;
          const onDisk = new TextDecoder().decode(plant.file.synced);
          for (let v = 0; v < value; v++) if (!onDisk.includes(`"v":${v}}`)) excused.add(v);
          plant.powerCut();
        }
        for (let i = 0; i < 20 && (i < 3 || plant.unsettled > 0); i++) {
          plant.work(1_000);
          plant.ack();
        }
        expect(plant.unsettled).toBe(0);
        expect(plant.stored).toEqual([...new Set(plant.stored)].sort((a, b) => a - b));
        const missing = Array.from({ length: value }, (_, v) => v).filter((v) => !plant.stored.includes(v));
        expect(missing.filter((v) => !excused.has(v))).toEqual([]);
        if (sync === 'every-frame') expect(missing).toEqual([]);
      }),
      { numRuns: 400 },
    );
  },
);

test('after an old image of the disk was put back, no new reading is taken for an old one', () => {
  fc.assert(
    fc.property(fc.array(plantAct, { maxLength: 40 }), fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (acts, picks) => {
      const plant = createPlant('every-frame');
      const images: { bytes: Uint8Array; made: number[] }[] = [];
      /** What the present disk's history has made. */
      let made: number[] = [];
      let value = 0;
      acts.forEach((act, i) => {
        for (let n = 0; n < act.sends; n++) {
          plant.send(value);
          made.push(value++);
        }
        images.push({ bytes: plant.file.bytes.slice(), made: [...made] });
        plant.work(act.reads);
        if (act.acks) plant.ack();
        if (act.end === 'drop') plant.drop();
        if (act.end === 'crash' || act.end === 'power') plant.crash();
        if (act.end !== 'image') return;
        const pick = picks[i]! % images.length;
        const image = images[pick]!;
        // two images that have each gone on for themselves can't be told apart: only what lies before this one may come again
        images.length = pick + 1;
        plant.restoreImage(image.bytes);
        made = [...image.made];
      });
      for (let i = 0; i < 20 && (i < 3 || plant.unsettled > 0); i++) {
        plant.work(1_000);
        plant.ack();
      }
      expect(plant.unsettled).toBe(0);
      expect(made.filter((v) => !plant.stored.includes(v))).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

test('frames that are appended together are all there with one sync, or none is', () => {
  const { file, buffer } = filled(1);
  let syncs = 0;
  const { sync } = file;
  file.sync = () => {
    syncs++;
    sync();
  };
  buffer.append([frame('a'), frame('b'), frame('c')], 0);
  expect(syncs).toBe(1);
  expect(buffer.next).toBe(5);
  const before = pictureOf(buffer);
  expect(pictureOf(open(createMemoryFile(file.bytes)))).toEqual(before);
  file.limitBytes = file.bytes.length + 40;
  expect(() => buffer.append([frame('d'), frame('e'.repeat(100))], 0)).toThrow(BufferFault);
  expect(pictureOf(buffer)).toEqual(before);
  file.limitBytes = Number.POSITIVE_INFINITY;
  buffer.append([frame('f')], 0);
  expect(pictureOf(open(createMemoryFile(file.bytes)))).toEqual(pictureOf(buffer));
});
