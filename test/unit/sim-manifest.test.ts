// The manifest: written before the wire, whole after a kill, continued by the next process, and read back as what happened.

import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../device-sim/failure.ts';
import { type Happening, lineOf, readLine } from '../../device-sim/happening.ts';
import { type Manifest, openManifest } from '../../device-sim/manifest.ts';
import { type ManifestReader, readManifest } from '../../device-sim/manifest-reader.ts';
import { createManifestTap, tapConnections } from '../../device-sim/manifest-tap.ts';
import type { SentDevice, SentFrame } from '../../device-sim/sent-device.ts';
import { readingsOf } from '../../device-sim/sent-readings.ts';
import type { DeviceSocket, SocketEvents } from '../../gateway/protocol/device-socket.ts';
import { createSimFolder } from '../support/sim-process.ts';

const BODY = '[{"n":"m","t":1700000000,"v":1}]';
const READING = { index: 0, metric: 'm', unit: '', timeUs: 1_700_000_000_000_000, value: 1 };

function write(file: string, notes: (manifest: Manifest) => void, facts = {}): void {
  const manifest = openManifest(file, facts);
  notes(manifest);
  manifest.close();
}
function reading<T>(file: string, look: (reader: ManifestReader) => T): T {
  const reader = readManifest(file);
  try {
    return look(reader);
  } finally {
    reader.close();
  }
}
const framesOf = (device: SentDevice, stream: string): SentFrame[] => [...device.streams.get(stream)!.frames.values()];
const refusal = (work: () => unknown): Failure => {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it was taken');
};

test('what was noted is read back device by device, with its fate', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  const fault = { index: 0, code: 'no-value', message: 'It has no value' };
  write(
    file,
    (manifest) => {
      manifest.note('a', 'stream-0001', { type: 'hello', oldest: 1, next: 3, acked: 0 });
      manifest.note('b', 'stream-0002', {
        type: 'frame',
        seq: 1,
        body: '[{"n":"x","u":"Cel","t":1700000000,"v":-0},{"n":"ü","vs":"é\u2028\\n"}]',
      });
      manifest.note('a', 'stream-0001', { type: 'welcome', acked: 0, store: 'abc' });
      manifest.note('a', 'stream-0001', { type: 'frame', seq: 1, body: BODY });
      manifest.note('a', 'stream-0001', { type: 'frame', seq: 2, body: '[{"n":"m"}]' });
      manifest.note('a', 'stream-0001', { type: 'reject', seq: 2, errors: [fault] });
      manifest.note('a', 'stream-0001', { type: 'ack', seq: 2 });
      manifest.note('a', 'stream-0001', { type: 'gap', from: 3, to: 9, reason: 'buffer-full' });
    },
    { seed: '7' },
  );
  reading(file, ({ sessions, devices, tornBytes, device }) => {
    expect(sessions).toStrictEqual([{ seed: '7', startedAt: expect.any(String) }]);
    expect(devices).toStrictEqual(['a', 'b']);
    expect(tornBytes).toBe(0);
    const a = device('a').streams.get('stream-0001')!;
    expect(a).toMatchObject({ acked: 2, highest: 9, gaps: [{ from: 3, to: 9, reason: 'buffer-full' }] });
    expect(framesOf(device('a'), 'stream-0001')).toMatchObject([
      { seq: 1, readings: [READING], faults: null },
      { seq: 2, readings: [], faults: [fault] },
    ]);
    expect(framesOf(device('b'), 'stream-0002')[0]!.readings).toStrictEqual([
      { index: 0, metric: 'x', unit: 'Cel', timeUs: 1_700_000_000_000_000, value: 0 },
      { index: 1, metric: 'ü', unit: '', timeUs: null, value: 'é\u2028\n' },
    ]);
  });
});

test('a last line that a kill left torn is left out, at every byte where it can be cut', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  write(file, (manifest) => {
    manifest.note('a', 'stream-0001', { type: 'frame', seq: 1, body: BODY });
    manifest.note('a', 'stream-0001', { type: 'ack', seq: 1 });
  });
  const whole = readFileSync(file, 'latin1');
  const last = whole.lastIndexOf('a 1 1\n');
  for (let size = last + 1; size < whole.length; size++) {
    writeFileSync(file, whole, 'latin1');
    truncateSync(file, size);
    reading(file, ({ tornBytes, device }) => {
      expect(tornBytes).toBe(size - last);
      expect(device('a').streams.get('stream-0001')).toMatchObject({ acked: 0, highest: 1 });
    });
  }
});

test('a later process continues it after cutting the torn line off, and has numbers of its own', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  write(file, (manifest) => manifest.note('a', 'stream-0001', { type: 'frame', seq: 1, body: BODY }));
  appendFileSync(file, `f 1 2 ${'x'.repeat(200_000)}`);
  write(file, (manifest) => {
    manifest.note('b', 'stream-0002', { type: 'frame', seq: 1, body: BODY });
    manifest.note('a', 'stream-0003', { type: 'frame', seq: 1, body: BODY });
    manifest.note('a', 'stream-0001', { type: 'ack', seq: 1 });
  });
  reading(file, ({ sessions, tornBytes, device }) => {
    expect(sessions).toHaveLength(2);
    expect(tornBytes).toBe(0);
    expect([...device('a').streams.keys()]).toStrictEqual(['stream-0001', 'stream-0003']);
    expect(device('a').streams.get('stream-0001')).toMatchObject({ acked: 1, highest: 1 });
    expect(device('b').streams.get('stream-0002')).toMatchObject({ acked: 0, highest: 1 });
  });
});

test('packs of different sessions are told apart', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  for (let session = 0; session < 3; session++) {
    write(file, (manifest) => {
      for (let i = 0; i < 5; i++) manifest.note('a', '~ws', { type: 'pack', order: manifest.numberPack(), body: BODY });
    });
  }
  reading(file, ({ device }) => expect(framesOf(device('a'), '~ws')).toHaveLength(15));
});

test('what is no manifest is refused by writer and reader, and left as it is', () => {
  using folder = createSimFolder();
  const file = folder.file('notes', 'milk, bread\n');
  expect(refusal(() => openManifest(file)).message).toContain('is no manifest');
  expect(readFileSync(file, 'utf8')).toBe('milk, bread\n');
  expect(refusal(() => readManifest(file)).message).toContain('not readable as a manifest from byte 0 on');
  expect(refusal(() => readManifest(folder.file('empty', ''))).message).toContain('it is empty');
  expect(refusal(() => readManifest(`${file}-absent`)).message).toContain('there is no file');
  expect(refusal(() => openManifest(`${file}/in-a-file`))).toMatchObject({ exitCode: 74 });
  expect(refusal(() => readManifest(folder.file('later', 'fieldgate-manifest 2 {}\n'))).message).toContain('version 2');
  const header = 'fieldgate-manifest 1 {}\n';
  for (const line of ['a 1 1\n', 's 1 a stream-0001\nz 1 1 1\n', 's 1 a stream-0001\nf 1 x []\n', '\n']) {
    const broken = folder.file('broken', header + line);
    expect(refusal(() => reading(broken, ({ devices, device }) => devices.map(device))).message).toContain('not readable');
  }
});

test('every happening is one line, and the line says the same', () => {
  const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  const word = fc.stringMatching(/^[a-z-]{1,32}$/);
  const errors = fc.array(fc.record({ index: fc.nat(), code: word, message: fc.string() }));
  const anything: fc.Arbitrary<Happening> = fc.oneof(
    fc.record({ type: fc.constant('hello' as const), oldest: seq, next: seq, acked: seq }),
    fc.record({ type: fc.constant('frame' as const), seq, body: fc.json() }),
    fc.record({ type: fc.constant('pack' as const), order: seq, body: fc.json() }),
    fc.record({ type: fc.constant('gap' as const), from: seq, to: seq, reason: word }),
    fc.record({ type: fc.constant('welcome' as const), acked: seq, store: fc.stringMatching(/^[0-9a-f]{16}$/) }),
    fc.record({ type: fc.constant('ack' as const), seq }),
    fc.record({ type: fc.constant('reject' as const), seq, errors }),
    fc.record({ type: fc.constant('stored' as const), order: seq, errors }),
  );
  fc.assert(
    fc.property(anything, fc.nat(), (happening, number) => {
      const line = lineOf(number, happening);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(readLine(line.slice(0, -1))).toEqual(happening);
    }),
  );
});

test('a body with line breaks stays as readable, or as unreadable, as it was', () => {
  for (const body of ['[\n{"n":"m",\r\n"v":1}\n]', '[{"n":"a\nb","v":1}]', '[{"n":']) {
    const line = lineOf(1, { type: 'frame', seq: 1, body });
    const back = (readLine(line.slice(0, -1)) as { body: string }).body;
    const units = () => new Map<string, string>();
    expect(readingsOf(back, units())).toStrictEqual(readingsOf(body, units()));
  }
});

test.each<[body: string, readings: readonly (readonly unknown[])[] | null]>([
  ['{"n":"m"}', null],
  ['nonsense', null],
  ['[]', []],
  [
    '[{"bn":"a:","bt":1700000000.1,"bu":"V","bv":2},{"n":"x","t":0.2,"v":1},{"n":"y","vb":false}]',
    [
      [1, 'a:x', 'V', 1_700_000_000_300_000, 3],
      [2, 'a:y', 'V', 1_700_000_000_100_000, false],
    ],
  ],
  ['[{"n":"m","v":1,"vs":"x"},{"n":"m","v":"1"},{"n":"m","vs":1},7,null]', []],
  [
    '[{"n":"m","u":"Cel","v":1},{"n":"m","v":2},{"n":"m","u":"","v":3}]',
    [
      [0, 'm', 'Cel', null, 1],
      [1, 'm', 'Cel', null, 2],
      [2, 'm', '', null, 3],
    ],
  ],
  [
    '[{"n":"m","t":-3600,"v":1},{"n":"m","t":268435456,"v":1},{"n":"m","t":-400000000,"v":1}]',
    [
      [0, 'm', '', null, 1],
      [1, 'm', '', 268_435_456_000_000, 1],
      [2, 'm', '', -400_000_000_000_000, 1],
    ],
  ],
])('the records %s mean %j', (body, readings) => {
  const all = readingsOf(body, new Map())?.map(({ index, metric, unit, timeUs, value }) => [index, metric, unit, timeUs, value]) ?? null;
  expect(all).toStrictEqual(readings);
});

/** A connection whose other end a test plays, and on which it sees what was sent. */
function playedConnections(seen: (text: string) => void) {
  let events: SocketEvents | undefined;
  const connect = (of: SocketEvents): DeviceSocket => {
    events = of;
    return { seesPings: true, send: seen, close: () => seen('(close)'), cut: () => seen('(cut)') };
  };
  return {
    connect,
    say: (message: object) => events!.message(JSON.stringify(message)),
    end: () => events!.closed({ code: 1006, reason: '' }),
  };
}
const NO_EVENTS: SocketEvents = { opened: () => {}, message: () => {}, heard: () => {}, closed: () => {} };
const FRAME = `{"type":"readings","seq":1,"readings":${BODY}}`;

test('a frame is in the file before it is on the wire, and frames of one moment share a write', async () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  const manifest = openManifest(file);
  const wire: string[] = [];
  const played = playedConnections((text) => {
    const seq = /"seq":(\d+)/.exec(text)?.[1];
    if (seq !== undefined) expect(readFileSync(file, 'utf8')).toContain(`f 1 ${seq} [`);
    wire.push(text);
  });
  const socket = tapConnections(manifest, 'pump-1', played.connect)(NO_EVENTS);
  socket.send('{"type":"hello","stream":"stream-0001","oldest":1,"next":3,"acked":0}');
  socket.send(FRAME);
  socket.send(FRAME.replace('"seq":1', '"seq":2'));
  expect(wire).toStrictEqual([]);
  await expect.poll(() => wire.length).toBe(3);
  socket.send(FRAME.replace('"seq":1', '"seq":3'));
  socket.close(1000, '');
  expect(wire.slice(-2)).toStrictEqual([expect.stringContaining('"seq":3'), '(close)']);
  manifest.close();
});

test('what comes after the end of a connection, or of the manifest, is not sent', async () => {
  using folder = createSimFolder();
  const manifest = openManifest(folder.file('m', ''));
  const wire: string[] = [];
  const played = playedConnections((text) => wire.push(text));
  const socket = tapConnections(manifest, 'pump-1', played.connect)(NO_EVENTS);
  socket.send('{"type":"hello","stream":"stream-0001","oldest":1,"next":1}');
  played.end();
  manifest.flush();
  expect(wire).toStrictEqual([]);
  manifest.close();
  manifest.close();
  socket.send(FRAME);
  await new Promise(setImmediate);
  expect(wire).toStrictEqual([]);
});

test('whose token it is may be known from the welcome alone', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  const manifest = openManifest(file);
  const tap = createManifestTap(manifest, '');
  tap.sent('{"type":"hello","stream":"stream-0001","oldest":1,"next":1}');
  tap.heard('{"type":"welcome","device":"pump-7","stream":"stream-0001","acked":0,"store":"abc"}');
  tap.sent(FRAME);
  tap.heard('{"type":"ack","seq":1}');
  tap.heard('{"type":"something-new"}');
  tap.heard('not json');
  manifest.close();
  reading(file, ({ devices, device }) => {
    expect(devices).toStrictEqual(['pump-7']);
    expect(device('pump-7').streams.get('stream-0001')).toMatchObject({ acked: 1, highest: 1 });
  });
});

test('packs and other messages are answered in turn, and what is not answered stays open', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  const manifest = openManifest(file);
  const tap = createManifestTap(manifest, 'pump-1');
  tap.sent(BODY);
  tap.sent('{"type":"no-such-thing"}');
  tap.sent('[{"n":"m"}]');
  tap.sent(BODY);
  tap.heard('{"type":"stored","readings":1}');
  tap.heard('{"type":"error","code":"unknown-type","message":"","fatal":false}');
  tap.heard('{"type":"stored","readings":0,"errors":[{"index":0,"code":"no-value","message":""}]}');
  tap.ended();
  tap.sent(BODY);
  tap.heard('{"type":"stored","readings":1}');
  manifest.close();
  reading(file, ({ device }) => {
    const faults = framesOf(device('pump-1'), '~ws').map((frame) => frame.faults?.length ?? null);
    expect(faults).toStrictEqual([0, 1, null, 0]);
  });
});

test('of several frames under one seq the one counts that the gateway still wanted', () => {
  using folder = createSimFolder();
  const file = folder.file('m', '');
  const body = (v: number) => `[{"n":"m","t":1700000000,"v":${v}}]`;
  write(file, (manifest) => {
    const note = (happening: Happening) => manifest.note('a', 'stream-0001', happening);
    note({ type: 'welcome', acked: 0, store: 'abc' });
    note({ type: 'frame', seq: 1, body: body(1) });
    note({ type: 'frame', seq: 2, body: body(2) });
    note({ type: 'frame', seq: 2, body: body(3) }); // a regression: the session ends
    note({ type: 'welcome', acked: 1, store: 'abc' });
    note({ type: 'frame', seq: 1, body: body(4) }); // not wanted any more
    note({ type: 'frame', seq: 2, body: body(5) }); // split, or given up and made anew
  });
  reading(file, ({ device }) => {
    const values = framesOf(device('a'), 'stream-0001').map((frame) => frame.readings![0]!.value);
    expect(values).toStrictEqual([1, 5]);
  });
});
