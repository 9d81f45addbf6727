// Serial frames as a bridge sends them: each record alone means what it meant in its line, and none makes a frame unreadable.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrameReader } from '../../gateway/bridge-frames.ts';
import { createPortsTeller, portsMessage } from '../../gateway/bridge-ports.ts';
import { readJson } from '../../gateway/ingest/json-frame.ts';
import { readPorts } from '../../gateway/ingest/ports-message.ts';
import { readRefused } from '../../gateway/protocol/refused-input.ts';
import type { PortsMessage, SenmlRecord } from '../../gateway/protocol/messages.ts';
import type { SerialPortView } from '../../gateway/protocol/rest.ts';

const AT_US = 1_700_000_000_123_000;
const LIMITS = { depth: 8, keysPerObject: 64 };
const read = (records: readonly object[], atUs = AT_US): object[] => createFrameReader()([{ atUs, records: records as SenmlRecord[] }]);

test('a record has the time of its arrival, and no two lines arrive at the same time', () => {
  const reader = createFrameReader();
  const line = { atUs: AT_US, records: [{ n: 'a', v: 1 }] };
  expect(reader([line, line])).toEqual([
    { n: 'a', v: 1, t: 1_700_000_000.123 },
    { n: 'a', v: 1, t: 1_700_000_000.123001 },
  ]);
  expect(reader([{ ...line, atUs: AT_US - 1_000_000 }])).toEqual([{ n: 'a', v: 1, t: 1_700_000_000.123002 }]);
});

test('base fields are resolved within their line, and a time that is small is meant from the arrival', () => {
  expect(
    read([
      { bn: 'boat.', bt: -1, bu: 'Cel', bv: 10, bver: 10 },
      { n: 'a', v: 1 },
      { n: 'b', u: '%RH', v: 2, t: -0.5 },
      { bt: 1_600_000_000, n: 'c', vs: 'x', t: 5 },
    ]),
  ).toEqual([
    { n: 'boat.a', u: 'Cel', v: 11, t: 1_699_999_999.123 },
    { n: 'boat.b', u: '%RH', v: 12, t: 1_699_999_998.623 },
    { n: 'boat.c', u: 'Cel', vs: 'x', t: 1_600_000_005 },
  ]);
});

test('a base field that cannot be read refuses what leans on it, and nothing else', () => {
  const records = [{ n: 'a', v: 1 }, { bn: 7 }, { n: 'b', v: 2 }];
  const [first, second] = createFrameReader()([
    { atUs: AT_US, records: records as never },
    { atUs: AT_US, records: [{ n: 'c', v: 3 }] },
  ]).slice(0, 2);
  expect(first).toMatchObject({ n: 'a', v: 1 });
  expect(readRefused(second)).toMatchObject({ code: 'wrong-type', raw: '[{"bn":7},{"n":"b","v":2}]', encoding: 'utf8' });
  expect(readRefused(read([{ bver: 11, n: 'a', v: 1 }])[0])).toMatchObject({ code: 'unsupported-version' });
});

test('whatever records a line has, the frame they come in can be read, and every base field is gone', () => {
  const label = fc.oneof(
    fc.constantFrom('n', 'u', 'v', 'vs', 't', 'bn', 'bt', 'bu', 'bv', 'bver', 'vd', 'x_', '__proto__', 'constructor'),
    fc.string(),
  );
  const record = fc.dictionary(label, fc.jsonValue({ maxDepth: 8 }), { maxKeys: 80 });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 8 }), (records) => {
      const sent = read(records);
      const frame = readJson(Buffer.from(JSON.stringify({ type: 'readings', seq: 1, readings: sent })), LIMITS);
      expect(frame).toMatchObject({ isForbidden: false });
      for (const one of sent) expect(Object.keys(one).filter((name) => /^b(n|t|u|v|ver)$/.test(name))).toEqual([]);
    }),
  );
});

test('a line that was refused goes with its bytes and its reason, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 10_000 }), fc.string({ unit: 'binary', maxLength: 400 }), (raw, message) => {
      const [sent] = createFrameReader()([{ atUs: AT_US, code: 'bad-checksum', message, raw }]);
      const refused = readRefused(JSON.parse(JSON.stringify(sent)));
      expect(refused).not.toBeNull();
      expect(Buffer.from(refused!.raw, refused!.encoding)).toEqual(Buffer.from(raw.subarray(0, 8192)));
    }),
  );
});

const frameView = {
  number: 1,
  atMs: 1,
  raw: 'x'.repeat(160),
  encoding: 'utf8',
  bytes: 200,
  outcome: 'readings',
  readings: 1,
  says: 'y'.repeat(300),
} as const;
const view = (path: string): SerialPortView => ({
  id: path,
  origin: 'file',
  bridge: null,
  settings: null,
  path,
  device: 'far-1',
  state: 'open',
  reason: '',
  mend: '',
  sinceAt: '2026-01-01T00:00:00.000Z',
  baudRate: 9600,
  framing: 'line',
  rule: 'csv',
  expectEverySeconds: null,
  linesPerSecond: 1.5,
  bytes: 1,
  lines: 1,
  readings: 1,
  errors: 0,
  faults: { constructor: 1, 'no match': 2, 'bad\u0000name': 3 },
  skipped: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`sentence ${i}`, 1])),
  lastFrames: Array.from({ length: 20 }, (_, i) => ({ ...frameView, number: i + 1 })),
  slaves: [],
});

test('32 ports with all that can be said of them fit into a frame, and are taken by a gateway', () => {
  const views = Array.from({ length: 32 }, (_, i) => view(`/dev/ttyUSB${i}`));
  for (const frameBytes of [65_536, 131_072]) {
    const message = portsMessage('shed', views, frameBytes)!;
    const bytes = Buffer.from(JSON.stringify(message));
    expect(bytes.length).toBeLessThanOrEqual(frameBytes);
    const frame = readJson(bytes, LIMITS);
    if (!('message' in frame)) throw new Error(JSON.stringify(frame));
    expect(frame.isForbidden).toBe(false);
    expect(readPorts(frame.message, 'far-1')).toHaveLength(32);
  }
  expect(portsMessage('shed', views, 1024)).toBeNull();
  expect(portsMessage('shed', [view('/dev/a')], 65_536)!.ports[0]).toMatchObject({ faults: { other: 4, 'no match': 2 } });
  expect(portsMessage('shed', [view('/dev/a')], 65_536)!.ports[0]!.lastFrames.at(-1)!.number).toBe(20);
});

test('another state is told with the next look, everything else every ten seconds, and nothing to a gateway that does not know it', () => {
  let now = view('/dev/a');
  const told: PortsMessage[] = [];
  let isOnline = true;
  const tell = (message: PortsMessage): boolean => {
    if (isOnline) told.push(message);
    return isOnline;
  };
  const teller = createPortsTeller({ bridge: 'shed', views: () => [now], tell });
  teller.tick(0);
  expect(told).toHaveLength(0);
  teller.begin(65_536);
  teller.tick(0);
  expect(told).toHaveLength(1);
  now = { ...now, lines: 2 };
  teller.tick(9_000);
  expect(told).toHaveLength(1);
  teller.tick(10_000);
  expect(told.at(-1)!.ports[0]!.lines).toBe(2);
  teller.tick(30_000);
  expect(told).toHaveLength(2);
  now = { ...now, state: 'silent' };
  isOnline = false;
  teller.tick(31_000);
  isOnline = true;
  teller.tick(32_000);
  expect(told.at(-1)!.ports[0]!.state).toBe('silent');
  teller.end();
  now = { ...now, state: 'open' };
  teller.tick(60_000);
  expect(told).toHaveLength(3);
  teller.begin(65_536);
  teller.tick(61_000);
  expect(told).toHaveLength(4);
});

test('whatever a line says is told of it in words that a gateway takes', () => {
  const [frame] = view('/dev/a').lastFrames;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ unit: 'binary', maxLength: 80 }), (says, outcome) => {
      // a text that was cut in the middle of a character, too
      const said = { ...view('/dev/a'), reason: says, lastFrames: [{ ...frame!, says: `${says}\ud800`, outcome }] };
      const message = portsMessage('shed', [said], 65_536)!;
      const received = readJson(Buffer.from(JSON.stringify(message)), LIMITS);
      expect('message' in received && readPorts(received.message, 'far-1')).toHaveLength(1);
    }),
  );
});
