// SenML records to readings: the rules of RFC 8428 as the wire takes them, each refusal with its code.

import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import { createCatalogue } from '../../gateway/ingest/catalogue.ts';
import { createValidator } from '../../gateway/ingest/validate.ts';
import { KIND } from '../../gateway/storage/store.ts';

const NOW_US = 1_800_000_000_000_000;
const LIMITS = { readingsPerFrame: 1000, nameBytes: 128, stringBytes: 1024 };

function read(records: readonly unknown[], { isGatewayClock = false } = {}) {
  const batcher = new Batcher(() => undefined);
  const catalogue = createCatalogue({ store: 's', position: 0, series: [], streams: [] });
  const notices: string[] = [];
  batcher.beginFrame();
  const faults = createValidator(batcher, catalogue, LIMITS).read(records, {
    series: catalogue.deviceSeries('pump-1'),
    receivedUs: NOW_US,
    isGatewayClock,
    onUnitChange: (metric, from, to) => notices.push(`${metric}: ${from} → ${to}`),
    onClockSuspect: (metric) => notices.push(`clock ${metric}`),
  });
  if (faults.length > 0 && faults[0].index === undefined) batcher.dropFrameReadings();
  const count = batcher.frameReadings;
  batcher.endFrame(
    {
      id: 1,
      device: 'pump-1',
      stream: 's',
      createdAtUs: 0,
      acked: 0,
      bodyHash: '',
      retired: false,
      lastUsedAtUs: 0,
      markSerial: 0,
      markIndex: 0,
    },
    1,
    0,
    NOW_US,
  );
  const { batch } = batcher.seal();
  const readings = Array.from({ length: count }, (_, i) => {
    const row = catalogue.series(batch.series[i]);
    const value =
      batch.kind[i] === KIND.string
        ? batch.strings[batch.value[i]]
        : batch.kind[i] === KIND.boolean
          ? batch.value[i] === 1
          : batch.value[i];
    return { n: row?.metric, u: row?.unit, v: value, t: batch.timeUs[i] };
  });
  return { faults, codes: faults.map((fault) => fault.code), readings, notices, newSeries: batch.newSeries.length };
}
/** Parsed, so that keys such as __proto__ are own keys as they are on the wire. */
const json = (text: string): unknown[] => JSON.parse(text);

test.for([
  ['S1 no value', '[{"n":"a"}]', 'no-value'],
  ['S1 a unit but no value', '[{"n":"a","u":"V"}]', 'no-value'],
  ['S2 two value fields', '[{"n":"a","v":1,"vb":true}]', 'multiple-values'],
  ['S3 another version', '[{"bver":11,"n":"a","v":1}]', 'unsupported-version'],
  ['S4 a label to be understood', '[{"n":"a","v":1,"foo_":1}]', 'must-understand'],
  ['J17 a label to be understood', '[{"n":"a","v":1,"x_":null}]', 'must-understand'],
  ['S6 an empty name', '[{"v":1}]', 'bad-name'],
  ['S6 a name that starts with a dash', '[{"n":"-a","v":1}]', 'bad-name'],
  ['S6 a name with a space', '[{"n":"a b","v":1}]', 'bad-name'],
  ['S6 a name with an umlaut', '[{"n":"flüssig","v":1}]', 'bad-name'],
  ['J14 S6 a name of 129 bytes', `[{"bn":"${'a'.repeat(100)}","n":"${'b'.repeat(29)}","v":1}]`, 'too-long'],
  ['J12 a name with a control character', '[{"n":"a\\u0007","v":1}]', 'bad-name'],
  ['J12 a name with a bidi control', '[{"n":"a\\u202eb","v":1}]', 'bad-name'],
  ['J12 a name with an ANSI escape', '[{"n":"\\u001b[31mred","v":1}]', 'bad-name'],
  ['J15 a name of markup', '[{"n":"<img src=x onerror=alert(1)>","v":1}]', 'bad-name'],
  ['J15 a name of SQL', '[{"n":"\'; DROP TABLE log","v":1}]', 'bad-name'],
  ['J15 a name of a path', '[{"n":"../../etc/passwd","v":1}]', 'bad-name'],
  ['J15 a name of a formula', '[{"n":"=cmd|x","v":1}]', 'bad-name'],
  ['J15 a name of a lookup', '[{"n":"${jndi:ldap}","v":1}]', 'bad-name'],
  ['S11 a unit of 33 bytes', `[{"n":"a","u":"${'x'.repeat(33)}","v":1}]`, 'bad-unit'],
  ['S11 a unit of 11 characters and 33 bytes', `[{"n":"a","u":"${'℃'.repeat(11)}","v":1}]`, 'bad-unit'],
  ['S12 opaque data', '[{"n":"a","vd":"AA"}]', 'unsupported-value'],
  ['S12 a sum', '[{"n":"a","s":1}]', 'unsupported-value'],
  ['S12 a base sum', '[{"n":"a","bs":1,"v":1}]', 'unsupported-value'],
  ['S13 a boolean as text', '[{"n":"a","vb":"true"}]', 'wrong-type'],
  ['S13 a number as text', '[{"n":"a","v":"21.5"}]', 'wrong-type'],
  ['S13 text as a number', '[{"n":"a","vs":1}]', 'wrong-type'],
  ['S13 null', '[{"n":"a","v":null}]', 'wrong-type'],
  ['S13 a name that is no text', '[{"n":1,"v":1}]', 'wrong-type'],
  ['S13 a time that is no number', '[{"n":"a","v":1,"t":"now"}]', 'wrong-type'],
  ['S13 a record that is no object', '[17]', 'wrong-type'],
  ['S14 base fields only', '[{"bn":"a","bt":1}]', 'empty-pack'],
  ['S16 an update time below zero', '[{"n":"a","v":1,"ut":-1}]', 'wrong-type'],
  ['S16 an update time that is no number', '[{"n":"a","v":1,"ut":"1"}]', 'wrong-type'],
  ['J7 1e400', '[{"n":"a","v":1e400}]', 'non-finite'],
  ['J7 a base value that overflows', '[{"n":"a","bv":1e308,"v":1e308}]', 'non-finite'],
  ['J13 a lone surrogate', '[{"n":"a","vs":"\\ud800"}]', 'not-well-formed'],
  ['J12 NUL in a value', '[{"n":"a","vs":"a\\u0000b"}]', 'not-well-formed'],
  ['J14 a text of 1,025 bytes', `[{"n":"a","vs":"${'x'.repeat(1025)}"}]`, 'too-long'],
  ['J14 a text of 1,026 bytes in 513 characters', `[{"n":"a","vs":"${'ü'.repeat(513)}"}]`, 'too-long'],
  ['J14 1,001 readings', JSON.stringify(Array(1001).fill({ n: 'a', v: 1 })), 'too-many-readings'],
] as const)('%s is refused: %s', ([, text, code]) => {
  const { codes, readings, newSeries } = read(json(text));
  expect(codes).toStrictEqual([code]);
  expect(readings).toStrictEqual([]);
  expect(newSeries).toBe(0);
});

test.for([
  ['a number', '[{"n":"a","u":"Cel","v":21.5}]', [{ n: 'a', u: 'Cel', v: 21.5 }]],
  ['a boolean', '[{"n":"a","vb":false}]', [{ n: 'a', u: '', v: false }]],
  ['a text', '[{"n":"a","vs":"","u":"V"}]', [{ n: 'a', u: 'V', v: '' }]],
  ['J10 −0 as 0', '[{"n":"a","v":-0}]', [{ n: 'a', u: '', v: 0 }]],
  ['J10 1E-400', '[{"n":"a","v":1E-400}]', [{ n: 'a', u: '', v: 0 }]],
  ['J10 many digits', '[{"n":"a","v":0.1000000000000000055511151231257827}]', [{ n: 'a', u: '', v: 0.1 }]],
  ['S5 an unknown label', '[{"n":"a","v":1,"foo":{"bar":[]}}]', [{ n: 'a', u: '', v: 1 }]],
  [
    'S3 version 10',
    '[{"bver":10,"n":"a","v":1},{"bver":10,"n":"a","v":2}]',
    [
      { n: 'a', u: '', v: 1 },
      { n: 'a', u: '', v: 2 },
    ],
  ],
  [
    'base name, unit and value',
    '[{"bn":"m/","bu":"V","bv":10,"n":"a","v":1},{"n":"b","v":2,"u":"A"}]',
    [
      { n: 'm/a', u: 'V', v: 11 },
      { n: 'm/b', u: 'A', v: 12 },
    ],
  ],
  [
    'a record of base fields between',
    '[{"bn":"x"},{"n":"1","v":1},{"bn":"y"},{"v":2}]',
    [
      { n: 'x1', u: '', v: 1 },
      { n: 'y', u: '', v: 2 },
    ],
  ],
  ['a base value of its own beside text', '[{"bv":3,"n":"a","vs":"t"}]', [{ n: 'a', u: '', v: 't' }]],
  [
    'S10 the same name and time twice',
    '[{"n":"a","v":1,"t":1700000000},{"n":"a","v":2,"t":1700000000}]',
    [
      { n: 'a', u: '', v: 1 },
      { n: 'a', u: '', v: 2 },
    ],
  ],
  ['S11 an unknown unit', '[{"n":"a","u":"furlong","v":1}]', [{ n: 'a', u: 'furlong', v: 1 }]],
  ['the other characters of a name', '[{"n":"A0-:./_","v":1}]', [{ n: 'A0-:./_', u: '', v: 1 }]],
] as const)('%s is stored', ([, text, expected]) => {
  const { faults, readings } = read(json(text));
  expect(faults).toStrictEqual([]);
  expect(readings.map(({ n, u, v }) => ({ n, u, v }))).toStrictEqual(expected);
});

test.for([
  ['an absolute time to the microsecond', '[{"n":"a","v":1,"t":1700000000.123456}]', [1_700_000_000_123_456]],
  ['base and own time rounded each for itself', '[{"bt":4102444800.1,"n":"a","t":0.0000007,"v":1}]', [Math.round(4102444800.1 * 1e6) + 1]],
  ['S7 a time below 2^28 is relative to receipt', '[{"n":"a","v":1,"t":-5}]', [NOW_US - 5_000_000]],
  [
    'no time: receipt, later by a microsecond each in one series',
    '[{"n":"a","v":1},{"n":"a","v":2},{"n":"b","v":3}]',
    [NOW_US, NOW_US + 1, NOW_US],
  ],
  [
    'S8 year 9999 as sent',
    '[{"n":"a","v":1,"t":253402300799}]',
    [253_402_300_799_000_000 > Number.MAX_SAFE_INTEGER ? NOW_US : 253_402_300_799_000_000],
  ],
  ['S8 a time that microseconds can not hold gets the time of receipt', '[{"n":"a","v":1,"t":1e300}]', [NOW_US]],
  [
    'S9 times going backwards keep their order',
    '[{"n":"a","v":1,"t":1700000002},{"n":"a","v":2,"t":1700000001}]',
    [1_700_000_002_000_000, 1_700_000_001_000_000],
  ],
] as const)('%s', ([, text, expected]) => {
  const { faults, readings } = read(json(text));
  expect(faults).toStrictEqual([]);
  expect(readings.map(({ t }) => t)).toStrictEqual(expected);
});

test('times outside 2000 … receipt + 10 min are stored and told', () => {
  const { readings, notices } = read(json('[{"n":"a","v":1,"t":900000000},{"n":"b","v":1,"t":1800000601},{"n":"c","v":1,"t":1800000599}]'));
  expect(readings).toHaveLength(3);
  expect(notices).toStrictEqual(['clock a', 'clock b']);
});

test("a device on the gateway's clock gets the time of receipt", () => {
  const { readings } = read(json('[{"n":"a","v":1,"t":1700000000}]'), { isGatewayClock: true });
  expect(readings.map(({ t }) => t)).toStrictEqual([NOW_US]);
});

test('a record without a unit belongs to the latest unit of its metric; another unit is another series and told', () => {
  const { readings, notices } = read(
    json('[{"n":"a","u":"Cel","v":1},{"n":"a","v":2},{"n":"a","u":"Far","v":3},{"n":"a","v":4},{"n":"a","u":"Cel","v":5}]'),
  );
  expect(readings.map(({ u }) => u)).toStrictEqual(['Cel', 'Cel', 'Far', 'Far', 'Cel']);
  expect(notices).toStrictEqual(['a: Cel → Far', 'a: Far → Cel']);
});

test('good records beside bad ones are stored, each fault has its index', () => {
  const { faults, readings } = read(json('[{"n":"a","v":1},{"n":"a"},{"n":"a","v":"x"},{"n":"a","v":2}]'));
  expect(faults).toMatchObject([
    { index: 1, code: 'no-value' },
    { index: 2, code: 'wrong-type' },
  ]);
  expect(readings.map(({ v }) => v)).toStrictEqual([1, 2]);
});

test('S3 a base field that cannot be read refuses what comes after it too; what came before is stored', () => {
  for (const [bad, code] of [
    ['{"bver":11,"n":"b","v":2}', 'unsupported-version'],
    ['{"bn":17,"n":"b","v":2}', 'wrong-type'],
    ['{"bt":"now","n":"b","v":2}', 'wrong-type'],
    ['{"bu":1}', 'wrong-type'],
    ['{"bv":null,"n":"b","v":2}', 'wrong-type'],
  ] as const) {
    const { faults, readings } = read(json(`[{"n":"a","v":1},${bad},{"n":"c","v":3}]`));
    expect(readings).toMatchObject([{ n: 'a', v: 1 }]);
    expect(faults.map((fault) => [fault.index, fault.code])).toStrictEqual([
      [1, code],
      [2, code],
    ]);
  }
});
