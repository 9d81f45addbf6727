// From a CSV file to SenML records: cells, times to the microsecond, values as they stand.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCsvReader } from '../../gateway/protocol/csv.ts';
import { parseMillisUs, parseTimeUs } from '../../gateway/protocol/csv-time.ts';
import { checkSource, readSource, senmlTime, type SourceOptions, withOwnBase } from '../../device-sim/replay-source.ts';
import { createSimFolder } from '../support/sim-process.ts';

const cellsOf = (...pieces: string[]) => {
  const reader = createCsvReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()].map((row) => row.cells);
};

test('a file gives the same rows in whatever pieces it is read', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'ä', ' ', ',', '"', '\n', '\r\n', '1', "'") });
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (rows, cuts) => {
        const text = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end));
        expect(cellsOf(...pieces)).toEqual(rows);
      },
    ),
  );
});

test('line ends of all kinds, empty lines, blanks around cells and a byte order mark are taken as they are meant', () => {
  expect(cellsOf('\ufefftime,value\r\n\r\n 1 , 2\n3,"4, ""5"""')).toEqual([
    ['time', 'value'],
    ['1', '2'],
    ['3', '4, "5"'],
  ]);
  expect(() => cellsOf('a,b\n1,"open')).toThrow('line 2');
});

test.each([
  ['2013-12-02 21:15:00', 1_386_018_900_000_000],
  ['2013-12-02T21:15:00Z', 1_386_018_900_000_000],
  ['2013-12-02T22:15:00+01:00', 1_386_018_900_000_000],
  ['2013-12-02 15:45:00-0530', 1_386_018_900_000_000],
  ['2013-12-02', 1_385_942_400_000_000],
  ['2013-12-02 21:15', 1_386_018_900_000_000],
  ['2013-12-02 21:15:00.1', 1_386_018_900_100_000],
  ['2013-12-02 21:15:00.123456', 1_386_018_900_123_456],
  ['2013-12-02 21:15:00.1234567', 1_386_018_900_123_457],
  ['1386018900', 1_386_018_900_000_000],
  ['1386018900.5', 1_386_018_900_500_000],
  ['1386018900123', 1_386_018_900_123_000],
  ['2013-02-30 00:00:00', null],
  ['2013-13-01 00:00:00', null],
  ['2013-12-02 24:00:00', null],
  ['2013-12-02 21:60:00', null],
  ['02.12.2013', null],
  ['yesterday', null],
  ['', null],
])('the time %j is %j µs', (text, timeUs) => {
  expect(parseTimeUs(text)).toBe(timeUs);
});

test('time_ms keeps microseconds', () => {
  expect(parseMillisUs('1700000000123.456')).toBe(1_700_000_000_123_456);
  expect(parseMillisUs('soon')).toBe(null);
});

test('every microsecond up to 2^53 survives the way through SenML seconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2 ** 28 * 1_000_000, max: Number.MAX_SAFE_INTEGER }), (timeUs) => {
      const { t, bt = 0 } = JSON.parse(JSON.stringify(senmlTime(timeUs))) as { t: number; bt?: number };
      expect(Math.round(bt * 1e6) + Math.round(t * 1e6)).toBe(timeUs);
    }),
    { numRuns: 2_000 },
  );
});

test('where one record of a frame has a base time, all say their own', () => {
  expect(withOwnBase([{ n: 'a', t: 1 }])).toEqual([{ n: 'a', t: 1 }]);
  expect(
    withOwnBase([
      { n: 'a', bt: 5, t: 0.1 },
      { n: 'a', t: 1 },
    ]),
  ).toEqual([
    { n: 'a', bt: 5, t: 0.1 },
    { n: 'a', bt: 0, t: 1 },
  ]);
});

async function read(content: string, more: Partial<SourceOptions> = {}) {
  using folder = createSimFolder();
  const options = { file: folder.file('water-level 2.csv', content), device: 'pump-1', ...more };
  const check = await checkSource(options);
  const rows = [];
  for await (const some of readSource(options)) rows.push(...some);
  return { check, records: rows.map((row) => row.record) };
}

test('rows are neither sorted nor merged, and the metric is called after the file where nothing names it', async () => {
  const { records } = await read('timestamp,value\n2013-12-02 21:15:00,73.96732207\n2013-12-02 21:10:00,1e-7\n2013-12-02 21:15:00,74\n');
  expect(records).toEqual([
    { n: 'water-level_2', t: 1_386_018_900, v: 73.96732207 },
    { n: 'water-level_2', t: 1_386_018_600, v: 1e-7 },
    { n: 'water-level_2', t: 1_386_018_900, v: 74 },
  ]);
});

test('the columns of an export are understood: device, metric, unit, quoted text, guarded text', async () => {
  const { check, records } = await read(
    [
      'time,time_ms,device,metric,unit,value',
      '2023-11-14T22:13:20.123Z,1700000000123.456,pump-1,temperature,Cel,21.5',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,state,,"running"',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,note,,"\'=1+1"',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,code,,"42"',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,door,,true',
      '2023-11-14T22:13:20Z,1700000000000,pump-2,temperature,Cel,1',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,temperature,Cel,',
      '2023-11-14T22:13:20Z,1700000000000,pump-1,temperature,Cel,NaN',
    ].join('\n'),
  );
  expect(check).toEqual({ readings: 5, empty: 2, foreign: 1 });
  expect(records).toEqual([
    { n: 'temperature', u: 'Cel', t: 1_700_000_000.123456, v: 21.5 },
    { n: 'state', t: 1_700_000_000, vs: 'running' },
    { n: 'note', t: 1_700_000_000, vs: '=1+1' },
    { n: 'code', t: 1_700_000_000, vs: '42' },
    { n: 'door', t: 1_700_000_000, vb: true },
  ]);
});

test('--metric and --unit serve the rows that name none', async () => {
  const { records } = await read('time,metric,value\n1700000000,level,1\n1700000000,,2\n', { metric: 'other', unit: 'm' });
  expect(records).toEqual([
    { n: 'level', u: 'm', t: 1_700_000_000, v: 1 },
    { n: 'other', u: 'm', t: 1_700_000_000, v: 2 },
  ]);
});

test.each([
  ['temperature\n1\n', 'value and one of'],
  ['time,value\n', 'holds no readings'],
  ['time,value\n1700000000,1\nsoon,2\n', 'line 3: «soon» is no time'],
  ['time,value\n1970-01-02,1\n', 'line 2: 1970-01-02 cannot be sent'],
  ['time,value\n1700000000,1e999\n', 'line 2: 1e999 is beyond'],
  ['time,device,value\n1700000000,pump-2,1\n', 'no rows of pump-1, only of: pump-2'],
])('%j is refused before anything is sent', async (content, sentence) => {
  await expect(read(content)).rejects.toThrow(sentence);
});
