// The Serial page's parts that need no browser: settings through their forms and back, faults by their fields, frames in their order.

import { expect, test } from 'vitest';
import { MODBUS_FRAMING } from '../../gateway/config-modbus.ts';
import { readSerialPort } from '../../gateway/config-serial.ts';
import type { SerialFrameView, SerialPart, SerialPortView, SerialSettings } from '../../gateway/protocol/rest.ts';
import { FRAMING_FIELDS } from '../../gateway/transports/serial/framing-settings.ts';
import { MODBUS_DEFAULTS } from '../../gateway/transports/serial/modbus-settings.ts';
import { lastLines, rawOf, rewritten } from '../../web/src/serial/bench-bytes.ts';
import { type BookedFrame, bookFrames } from '../../web/src/serial/frame-book.ts';
import { hexOf, readHex, visibleText } from '../../web/src/serial/frame-text.ts';
import { BLANK, portBodyOf, portDraftOf, portPlaces } from '../../web/src/serial/port-draft.ts';
import { draftOf, settingsOf, withKind } from '../../web/src/serial/setting-draft.ts';
import { placeFaults, placeOf } from '../../web/src/serial/setting-faults.ts';
import type { FieldSpec } from '../../web/src/serial/setting-specs.ts';
import { ALL_FRAMINGS, FRAMINGS, RULES } from '../../web/src/serial/setting-specs.ts';

const settings = (more: Partial<SerialSettings>): SerialSettings => ({ ...BLANK, path: '/dev/ttyUSB0', device: 'probe-1', ...more });
/** What the gateway makes of a request, which is what it then says of the port. */
function kept(body: unknown): SerialSettings {
  const read = readSerialPort(body);
  if (!('read' in read)) throw new Error(JSON.stringify(read.faults));
  return read.read as unknown as SerialSettings;
}

const RULE_SAMPLES: readonly SerialPart[] = [
  {
    kind: 'csv',
    columns: [{ metric: 'a', unit: 'Cel' }, null, { metric: 'b', as: 'text' }],
    separator: ';',
    decimalComma: true,
    checksum: 'xor',
  },
  { kind: 'key-value', keys: { t: { metric: 'temperature', unit: 'Cel' }, crc: null }, separators: ';', assign: '=', decimalComma: true },
  { kind: 'json', nested: true, units: { temperature: 'Cel', 'outer.inner': 'm' } },
  { kind: 'nmea', time: 'sentence' },
  { kind: 'regex', pattern: 't=(?P<t>[0-9]+)', groups: { t: { metric: 'temperature', unit: 'Cel', as: 'boolean' } } },
  {
    kind: 'binary',
    lengthBytes: 8,
    byteOrder: 'little',
    match: [{ atByte: 0, hex: 'aa55' }],
    fields: [
      { metric: 'a', unit: 'V', atByte: 2, type: 'u16', byteOrder: 'big', scale: 0.1, offset: -40, absent: 65_535 },
      { metric: 'b', atByte: 4, type: 'u8', bit: 3 },
    ],
  },
];

test.each(RULE_SAMPLES.map((rule) => [rule.kind, rule] as const))('a %s rule goes through its form unharmed', (_kind, rule) => {
  const before = kept(settings({ rule }));
  expect(kept(portBodyOf(portDraftOf(before)))).toEqual(before);
});

test('every framing goes through its form unharmed, a Modbus bus with its groups and points too', () => {
  const samples: SerialPart[] = [
    { kind: 'line' },
    { kind: 'nmea' },
    { kind: 'delimiter', delimiterHex: '0d0a' },
    { kind: 'fixed', lengthBytes: 12, syncHex: 'aa' },
    { kind: 'length-prefixed', syncHex: 'aa', offsetBytes: 1, sizeBytes: 2, byteOrder: 'little', addBytes: 4 },
    { kind: 'slip' },
    { kind: 'cobs' },
    { kind: 'gap', gapMs: 35 },
    {
      kind: 'modbus-rtu',
      timeoutMs: 200,
      retries: 2,
      groups: [
        {
          slave: 1,
          function: 'input-registers',
          address: 100,
          everyMs: 2000,
          points: [{ metric: 'a', unit: 'V', address: 0, type: 'i32', scale: 0.1, wordOrder: 'little' }],
        },
        { slave: 2, function: 'coils', points: [{ metric: 'pump', address: 3 }] },
      ],
    },
  ];
  for (const framing of samples) {
    const before = kept(settings({ framing, rule: framing.kind === 'modbus-rtu' ? null : { kind: 'csv', columns: [{ metric: 'a' }] } }));
    expect(kept(portBodyOf(portDraftOf(before)))).toEqual(before);
  }
  expect(samples.map(({ kind }) => kind)).toEqual(Object.keys(ALL_FRAMINGS));
});

test('the forms have every kind and every field that the gateway has, with its defaults', () => {
  expect(Object.keys(FRAMINGS).toSorted()).toEqual(Object.keys(FRAMING_FIELDS).toSorted());
  for (const [kind, fields] of Object.entries(FRAMING_FIELDS)) {
    const shown = FRAMINGS[kind] ?? [];
    expect(shown.map(({ name }) => name)).toEqual(Object.keys(fields));
    for (const spec of shown) {
      const { default: usual } = fields[spec.name] ?? {};
      if (usual !== undefined && usual !== '')
        expect([spec.name, 'usual' in spec ? spec.usual : undefined]).toEqual([spec.name, String(usual)]);
    }
  }
  for (const spec of ALL_FRAMINGS['modbus-rtu'] ?? []) {
    const usual = (MODBUS_DEFAULTS as Readonly<Record<string, number | null>>)[spec.name];
    if (usual != null) expect([spec.name, 'usual' in spec ? spec.usual : undefined]).toEqual([spec.name, String(usual)]);
  }
  const groups = MODBUS_FRAMING.shape.groups.element;
  const namesIn = (shape: object): string[] => Object.keys(shape).toSorted();
  const listed = (specs: readonly FieldSpec[], name: string): readonly FieldSpec[] => {
    const found = specs.find((spec) => spec.name === name);
    return found?.type === 'rows' ? found.columns : [];
  };
  const modbus = ALL_FRAMINGS['modbus-rtu'] ?? [];
  const namesOf = (specs: readonly FieldSpec[]): string[] => specs.map(({ name }) => name).toSorted();
  expect(['kind', ...namesOf(modbus)].toSorted()).toEqual(namesIn(MODBUS_FRAMING.shape));
  expect(namesOf(listed(modbus, 'groups'))).toEqual(namesIn(groups.shape));
  expect(namesOf(listed(listed(modbus, 'groups'), 'points'))).toEqual(namesIn(groups.shape.points.element.shape));
  const { faults = [] } = readSerialPort(settings({ rule: { kind: 'none-such' } })) as { faults?: { says: string }[] };
  for (const kind of Object.keys(RULES)) expect(faults[0]?.says).toContain(kind);
  expect(RULE_SAMPLES.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(RULES).toSorted());
});

test('changing the kind and back loses nothing, and a kind without a form is kept as it is', () => {
  const csv = draftOf({ kind: 'csv', columns: [{ metric: 'a' }], separator: ';' }, RULES);
  expect(settingsOf(withKind(withKind(csv, 'nmea', RULES), 'csv', RULES), RULES)).toEqual({
    kind: 'csv',
    columns: [{ metric: 'a' }],
    separator: ';',
  });
  const later = { kind: 'of-a-later-release', depth: [1, { a: 2 }] };
  expect(settingsOf(draftOf(later, RULES), RULES)).toBe(later);
});

test('what is no number goes to the gateway as it was written', () => {
  const draft = { ...portDraftOf(settings({})), baudRate: 'fast', expectEverySeconds: '1,5' };
  expect(portBodyOf(draft)).toMatchObject({ baudRate: 'fast', expectEverySeconds: 1.5 });
  expect(portBodyOf({ ...draft, expectEverySeconds: ' ' }).expectEverySeconds).toBeNull();
});

test('a fault stands at its field, else at what the field is part of, else above the form', () => {
  expect(['#/rule/columns/0/metric', '/rule/columns/0/metric', 'rule.columns[0].metric:'].map(placeOf)).toEqual(
    Array(3).fill('rule/columns/0/metric'),
  );
  const draft = portDraftOf(settings({ rule: { kind: 'key-value', keys: { 'a.b': { metric: 'x' } } } }));
  const faults = placeFaults(
    [
      { pointer: '/baudRate', detail: 'one' },
      { pointer: '/rule/keys/a.b/metric', detail: 'two' },
      { pointer: '/rule/keys/a.b/nothing', detail: 'three' },
      { pointer: '/rule/whatever', detail: 'four' },
      { pointer: '/rule', detail: 'five' },
      { pointer: '/colour', detail: 'six' },
    ],
    portPlaces(draft),
  );
  expect(Object.fromEntries(faults)).toEqual({
    baudRate: 'one',
    'rule/keys/a/b/metric': 'two',
    'rule/keys/a/b': 'nothing: three',
    rule: 'whatever: four; five',
    '': 'colour: six',
  });
});

const frame = (number: number, more: Partial<SerialFrameView> = {}): SerialFrameView => ({
  number,
  atMs: number,
  raw: String(number),
  encoding: 'utf8',
  bytes: String(number).length,
  outcome: 'readings',
  readings: 1,
  says: '',
  ...more,
});
const upTo = (last: number): SerialFrameView[] =>
  Array.from({ length: Math.min(last, 20) }, (_, i) => frame(Math.max(0, last - 20) + i + 1));

test('frames that are asked for again and again are each kept once, newest first, and what was missed is counted', () => {
  let book: readonly BookedFrame[] = bookFrames([], upTo(3));
  book = bookFrames(book, upTo(3));
  book = bookFrames(book, upTo(5));
  expect(book.map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
  book = bookFrames(book, upTo(40));
  expect(book.slice(0, 2).map(({ number }) => number)).toEqual([40, 39]);
  expect(book.find(({ missed }) => missed > 0)).toMatchObject({ number: 21, missed: 15 });
  for (let last = 60; last <= 400; last += 20) book = bookFrames(book, upTo(last));
  expect(book).toHaveLength(60);
  // another reader counts from 1
  expect(bookFrames(book, [frame(1, { atMs: 1e6 })]).map(({ number }) => number)).toEqual([1]);
  expect(bookFrames(book, [])).toBe(book);
});

test('every character that can not be seen is made visible, and nothing else is touched', () => {
  const shown = (raw: string): string =>
    visibleText(raw)
      .map(({ text }) => text)
      .join('');
  expect(shown('21.5 °C, ωραία 温室')).toBe('21.5 °C, ωραία 温室');
  expect(shown('a\tb\r\n\u0002\u007f\u202e\u200b\ufeff\u00a0')).toBe('a\\tb\\r\\n\\x02\\x7f\\u202e\\u200b\\ufeff\\xa0');
  expect(visibleText('a\\tb')).toEqual([{ text: 'a\\tb', isMark: false }]);
});

test('hex is read as people write it, and the workbench writes the same bytes either way', () => {
  expect(readHex('aa55 0x01,\\x02:03-04')).toEqual(Uint8Array.of(0xaa, 0x55, 1, 2, 3, 4));
  expect(readHex('aa 5')).toEqual({ wrong: '5' });
  expect(hexOf(Uint8Array.of(0, 255))).toBe('00 ff');
  expect(rewritten({ format: 'text', written: 'é\n' })).toEqual({ format: 'hex', written: 'c3 a9 0a' });
  expect(rewritten({ format: 'hex', written: 'c3 a9 0a' })).toEqual({ format: 'text', written: 'é\n' });
  expect(rewritten({ format: 'hex', written: 'ff' })).toBeNull();
  expect(rawOf({ format: 'text', written: '1,2' }, 'line')).toEqual({ raw: '1,2\n', encoding: 'utf8' });
  expect(rawOf({ format: 'text', written: '1,2' }, 'gap')).toEqual({ raw: '1,2', encoding: 'utf8' });
  expect(rawOf({ format: 'hex', written: 'ff 00' }, 'line')).toEqual({ raw: '/wA=', encoding: 'base64' });
  expect(rawOf({ format: 'hex', written: 'x' }, 'line')).toEqual({ wrong: 'x' });
  expect(rawOf({ format: 'text', written: ' ' }, 'line')).toBeNull();
});

test('the workbench begins with the lines that a port said last, sentences with their checksums again', () => {
  const said = (framing: string, ...lastFrames: SerialFrameView[]) => lastLines({ framing, lastFrames } as unknown as SerialPortView);
  expect(
    said('line', frame(1, { raw: '21.5,48', bytes: 7 }), frame(2, { bytes: 400 }), frame(3, { raw: '/wA=', encoding: 'base64' })),
  ).toBe('21.5,48');
  const sentence = '$GPMTW,18.2,C';
  expect(said('nmea', frame(1, { raw: sentence, bytes: sentence.length }))).toMatch(/^\$GPMTW,18\.2,C\*[0-9A-F]{2}$/);
  expect(said('cobs', frame(1))).toBe('');
});
