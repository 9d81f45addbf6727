// The rules that turn frames into readings, case by case; NMEA has a file of its own.

import { expect, test } from 'vitest';
import { createRule, ruleProblem } from '../../gateway/transports/serial/rules-factory.ts';
import type { RuleResult } from '../../gateway/transports/serial/rules.ts';
import { BINARY_TYPES, type BinaryField, type RuleSettings } from '../../gateway/transports/serial/rules-settings.ts';

const read = (settings: RuleSettings, frame: string | Uint8Array): RuleResult =>
  createRule(settings, { isVerified: false }).read(typeof frame === 'string' ? Buffer.from(frame) : frame, 1_760_000_000_000_000);
/** The records, the reason or the code. */
const summary = (result: RuleResult): unknown =>
  result.outcome === 'readings' ? result.records : result.outcome === 'skipped' ? result.reason : result.code;

const CSV: RuleSettings = {
  kind: 'csv',
  columns: [{ metric: 'temperature', unit: 'Cel' }, null, { metric: 'state', as: 'text' }, { metric: 'door', as: 'boolean' }],
};
const COMMA: RuleSettings = { kind: 'csv', columns: [{ metric: 'a' }, { metric: 'b' }], separator: ';', decimalComma: true };
const CHECKED: RuleSettings = { kind: 'csv', columns: [{ metric: 'a' }, { metric: 'b' }], checksum: 'xor' };

test.for<[RuleSettings, string, unknown]>([
  [
    CSV,
    '21.5,ignored,idle,true\r\n',
    [
      { n: 'temperature', u: 'Cel', v: 21.5 },
      { n: 'state', vs: 'idle' },
      { n: 'door', vb: true },
    ],
  ],
  [
    CSV,
    ' -1e-3 ,,  ,0',
    [
      { n: 'temperature', u: 'Cel', v: -0.001 },
      { n: 'door', vb: false },
    ],
  ],
  [CSV, ',x,,', 'empty'],
  [CSV, '', 'empty'],
  [CSV, ' \r\n', 'empty'],
  [CSV, '# started', 'comment'],
  [CSV, 'temperature,anything,state,door', 'header'],
  [CSV, '21.5,x,idle', 'no-match'],
  [CSV, '21.5,x,idle,true,', 'no-match'],
  [CSV, '21.5,x,idle,maybe', 'no-match'],
  [CSV, 'warm,x,idle,true', 'bad-number'],
  [
    COMMA,
    '1,5;2',
    [
      { n: 'a', v: 1.5 },
      { n: 'b', v: 2 },
    ],
  ],
  [COMMA, '1.5;2', 'bad-number'],
  [
    CHECKED,
    '$1,2*2F',
    [
      { n: 'a', v: 1 },
      { n: 'b', v: 2 },
    ],
  ],
  [
    CHECKED,
    '1,2*2f',
    [
      { n: 'a', v: 1 },
      { n: 'b', v: 2 },
    ],
  ],
])('columns %o read %j as %j', ([settings, line, expected]) => {
  expect(summary(read(settings, line))).toEqual(expected);
});

test.for(['1,2*2E', '1,2', '1,2*', '1,3*2F'])('W7 the line %s, whose own checksum is wrong or missing, is refused', (line) => {
  expect(summary(read(CHECKED, line))).toBe('bad-checksum');
});

const PAIRS: RuleSettings = {
  kind: 'key-value',
  keys: { T: { metric: 'temperature', unit: 'Cel' }, id: { metric: 'serial', as: 'text' }, on: { metric: 'on', as: 'boolean' }, t: null },
};
test.for<[string, unknown]>([
  [
    'T=21.5;rh:40, on=1\tid=A7 t=12:30',
    [
      { n: 'temperature', u: 'Cel', v: 21.5 },
      { n: 'rh', v: 40 },
      { n: 'on', vb: true },
      { n: 'serial', vs: 'A7' },
    ],
  ],
  [
    'open=true,shut=false',
    [
      { n: 'open', vb: true },
      { n: 'shut', vb: false },
    ],
  ],
  ['T=', 'empty'],
  [' ;, ', 'empty'],
  ['#T=1', 'comment'],
  ['T', 'no-match'],
  ['=1', 'no-match'],
  ['T=1,T=2', 'no-match'],
  ['on=perhaps', 'no-match'],
  ['a%=1', 'no-match'],
  ['T=21.5C', 'bad-number'],
])('pairs in %j become %j', ([line, expected]) => {
  expect(summary(read(PAIRS, line))).toEqual(expected);
});

const JSON_RULE: RuleSettings = { kind: 'json', units: { t: 'Cel', 'in.t': 'Cel' } };
const NESTED: RuleSettings = { ...JSON_RULE, nested: true };
test.for<[RuleSettings, string, unknown]>([
  [
    JSON_RULE,
    '{"t":21.5,"ok":true,"state":"idle","x":null,"list":[1],"in":{"t":1}}',
    [
      { n: 't', u: 'Cel', v: 21.5 },
      { n: 'ok', vb: true },
      { n: 'state', vs: 'idle' },
    ],
  ],
  [
    NESTED,
    '{"in":{"t":1,"deep":{"er":2}}}',
    [
      { n: 'in.t', u: 'Cel', v: 1 },
      { n: 'in.deep.er', v: 2 },
    ],
  ],
  [
    JSON_RULE,
    '[{"bn":"a/","n":"t","v":1},{"n":"u","vs":"x"}]',
    [
      { bn: 'a/', n: 't', v: 1 },
      { n: 'u', vs: 'x' },
    ],
  ],
  [JSON_RULE, '{"n":"t","u":"Cel","v":1}', [{ n: 't', u: 'Cel', v: 1 }]],
  [JSON_RULE, '{\n "t": 1\n}\r\n', [{ n: 't', u: 'Cel', v: 1 }]],
  [JSON_RULE, '{"text":"\\u001b[31m"}', [{ n: 'text', vs: '\u001b[31m' }]],
  [JSON_RULE, '{}', 'empty'],
  [JSON_RULE, '[]', 'empty'],
  [JSON_RULE, '{"in":{"t":1}}', 'empty'],
  [JSON_RULE, '[1,2]', 'no-match'],
  [JSON_RULE, '17', 'no-match'],
  [JSON_RULE, 'null', 'no-match'],
  [JSON_RULE, '{"t":1', 'no-match'],
  [JSON_RULE, '{"t":NaN}', 'no-match'],
  [JSON_RULE, '{"a b":1}', 'no-match'],
  [NESTED, '{"a":{"":1}}', [{ n: 'a.', v: 1 }]],
  [NESTED, '{"":{"a":1}}', 'no-match'],
  [JSON_RULE, '[{"n":"t","v":1e999}]', 'bad-number'],
  [JSON_RULE, `${'['.repeat(9)}${']'.repeat(9)}`, 'no-match'],
])('JSON %o reads %j as %j', ([settings, text, expected]) => {
  expect(summary(read(settings, text))).toEqual(expected);
});

const REGEX: RuleSettings = {
  kind: 'regex',
  pattern: '^T:(?<temp>\\S+) C(?: H:(?<humidity>\\S+))?(?: (?<state>on|off))?$',
  groups: { temp: { metric: 'room/temperature', unit: 'Cel' }, state: { metric: 'state', as: 'text' } },
};
test.for<[string, unknown]>([
  [
    'T:21.5 C H:40 off\r\n',
    [
      { n: 'room/temperature', u: 'Cel', v: 21.5 },
      { n: 'humidity', v: 40 },
      { n: 'state', vs: 'off' },
    ],
  ],
  ['T:21.5 C', [{ n: 'room/temperature', u: 'Cel', v: 21.5 }]],
  ['T:21.5 F', 'no-match'],
  ['T:warm C', 'bad-number'],
  ['', 'empty'],
])('named groups in %j become %j', ([line, expected]) => {
  expect(summary(read(REGEX, line))).toEqual(expected);
});

const FIELDS: Readonly<Record<(typeof BINARY_TYPES)[number], [bigEndian: string, value: number]>> = {
  u8: ['fe', 254],
  i8: ['fe', -2],
  u16: ['fffe', 65_534],
  i16: ['fffe', -2],
  u24: ['fffffe', 16_777_214],
  i24: ['fffffe', -2],
  u32: ['fffffffe', 4_294_967_294],
  i32: ['fffffffe', -2],
  u64: ['0020000000000000', 2 ** 53],
  i64: ['fffffffffffffffe', -2],
  f32: ['c0200000', -2.5],
  f64: ['c004000000000000', -2.5],
};
test('every binary type is read in both byte orders, wherever it stands', () => {
  for (const type of BINARY_TYPES) {
    const [hex, value] = FIELDS[type];
    const big = Buffer.from(hex, 'hex');
    for (const [byteOrder, bytes] of [
      ['big', big],
      ['little', Buffer.from(big).reverse()],
    ] as const) {
      const frame = Buffer.concat([Buffer.from([0xaa]), bytes, Buffer.from([0x55])]);
      const fields: BinaryField[] = [{ metric: 'x', atByte: 1, type }];
      expect(summary(read({ kind: 'binary', byteOrder, fields }, frame)), `${type} ${byteOrder}`).toEqual([{ n: 'x', v: value }]);
    }
  }
});

const BINARY: RuleSettings = {
  kind: 'binary',
  lengthBytes: 8,
  match: [{ atByte: 0, hex: 'AA55' }],
  fields: [
    { metric: 'temperature', unit: 'Cel', atByte: 2, type: 'i16', scale: 0.1, offset: -40, absent: 32_767 },
    { metric: 'alarm', atByte: 4, type: 'u8', bit: 3 },
    { metric: 'count', atByte: 5, type: 'u24', byteOrder: 'little' },
  ],
};
test.for<[string, unknown]>([
  [
    'aa55026808010000',
    [
      { n: 'temperature', u: 'Cel', v: 21.6 },
      { n: 'alarm', vb: true },
      { n: 'count', v: 1 },
    ],
  ],
  [
    'aa557fff00000001',
    [
      { n: 'alarm', vb: false },
      { n: 'count', v: 65_536 },
    ],
  ],
  ['aa56026808010000', 'no-match'],
  ['aa550268080100', 'no-match'],
  ['aa5502680801000000', 'no-match'],
  ['', 'no-match'],
])('the fixed layout reads %s as %j', ([hex, expected]) => {
  const result = summary(read(BINARY, Buffer.from(hex, 'hex')));
  if (typeof expected === 'string') expect(result).toBe(expected);
  else
    expect(result).toEqual(
      (expected as { v?: number }[]).map((one) => (one.v === undefined ? one : { ...one, v: expect.closeTo(one.v, 9) })),
    );
});

test.for(['7fc00000', '7f800000', 'ff800000'])('W8 the float %s is not finite and is refused', (hex) => {
  expect(summary(read({ kind: 'binary', fields: [{ metric: 'x', atByte: 0, type: 'f32' }] }, Buffer.from(hex, 'hex')))).toBe('bad-number');
});

const ONE: Readonly<Record<string, readonly [RuleSettings, (number: string) => string]>> = {
  csv: [{ kind: 'csv', columns: [{ metric: 'x' }], separator: ';' }, (number) => number],
  'key-value': [{ kind: 'key-value', separators: ';' }, (number) => `x=${number}`],
  json: [{ kind: 'json' }, (number) => `{"x":${number}}`],
  regex: [{ kind: 'regex', pattern: '^(?<x>.*)$' }, (number) => number],
};
test('W8 what is no plain decimal number, or no finite one, is refused by every rule of text', () => {
  for (const [settings, write] of Object.values(ONE)) {
    for (const number of ['1,5', 'nan', 'NaN', '0x1F', '1e999', '-1e999', '--3', 'Infinity', '1_000', '1 2', '١٢', '1e', '.']) {
      const result = read(settings, write(number));
      expect(['bad-number', 'no-match'], `${settings.kind} ${number}`).toContain(summary(result));
    }
    for (const number of ['0', '-0.5', '1e3', '123456789.125', '2E-2'])
      expect(summary(read(settings, write(number))), `${settings.kind} ${number}`).toEqual([{ n: 'x', v: Number(number) }]);
  }
});

test('W13 more than 64 fields are refused by every rule of text', () => {
  const many = (count: number, write: (i: number) => string, separator = ','): string =>
    Array.from({ length: count }, (_, i) => write(i)).join(separator);
  for (const count of [65, 10_000]) {
    expect(summary(read(CSV, many(count, String)))).toBe('too-many-fields');
    expect(
      summary(
        read(
          PAIRS,
          many(count, (i) => `k${i}=1`),
        ),
      ),
    ).toBe('too-many-fields');
    expect(summary(read(JSON_RULE, `{${many(count, (i) => `"k${i}":1`)}}`))).toBe('too-many-fields');
    expect(summary(read(JSON_RULE, `[${many(count, (i) => `{"n":"k${i}","v":1}`)}]`))).toBe('too-many-fields');
    const parts = many(count >> 5, (i) => `"p${i}":{${many(33, (j) => `"k${j}":1`)}}`);
    expect(summary(read(NESTED, `{${parts}}`))).toBe('too-many-fields');
  }
  expect(read(JSON_RULE, `{${many(64, (i) => `"k${i}":1`)}}`)).toMatchObject({ outcome: 'readings' });
  expect(
    read(
      PAIRS,
      many(64, (i) => `k${i}=1`),
    ),
  ).toMatchObject({ outcome: 'readings' });
});

test('W15 a key that reaches a prototype, and escapes of a terminal, are refused and reach no object', () => {
  for (const text of [
    '{"__proto__":{"polluted":1}}',
    '{"t":1,"constructor":2}',
    '{"\\u005f_proto__":1}',
    '[{"n":"t","v":1,"__proto__":{}}]',
  ])
    for (const settings of [JSON_RULE, NESTED]) expect(summary(read(settings, text)), text).toBe('no-match');
  expect(summary(read(PAIRS, '__proto__=1'))).toBe('no-match');
  expect(Object.prototype).not.toHaveProperty('polluted');
  for (const settings of [CSV, PAIRS, JSON_RULE, REGEX])
    expect(summary(read(settings, '\u001b[31mT=1\u001b[0m')), settings.kind).toBe('undecodable');
});

test('W6 bytes that are no UTF-8 are refused as undecodable, by every rule of text', () => {
  for (const settings of [CSV, PAIRS, JSON_RULE, REGEX, { kind: 'nmea' } as const]) {
    for (const hex of ['ff', 'c3', 'e282', '74c33d31', '00', 'c0af', 'eda080'])
      expect(summary(read(settings, Buffer.from(hex, 'hex'))), `${settings.kind} ${hex}`).toBe('undecodable');
  }
});

test('settings that are used here have no problem', () => {
  for (const settings of [CSV, COMMA, CHECKED, PAIRS, JSON_RULE, NESTED, REGEX, BINARY, { kind: 'nmea' } as const])
    expect(ruleProblem(settings)).toBeNull();
});
