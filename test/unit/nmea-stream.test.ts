// What a stream of NMEA sentences knows beyond one of them: whose position counts, what time it is, what it adds up to.

import { expect, test } from 'vitest';
import { buildSentence } from '../../gateway/protocol/nmea.ts';
import { createRule } from '../../gateway/transports/serial/rules-factory.ts';
import type { Rule, RuleResult } from '../../gateway/transports/serial/rules.ts';
import { nmeaTotals } from '../../gateway/transports/serial/rules-nmea-totals.ts';

const SECOND_US = 1_000_000;
const ARRIVAL_US = 1_760_000_000 * SECOND_US;

const nmeaRule = (time: 'arrival' | 'sentence' = 'arrival'): Rule => createRule({ kind: 'nmea', time }, { isVerified: false });
/** What stands between `$` and `*`, read with its right checksum. */
const read = (body: string, rule = nmeaRule(), atUs = ARRIVAL_US): RuleResult => {
  const [name = '', ...fields] = body.split(',');
  return rule.read(Buffer.from(`${buildSentence(name, fields)}\r\n`), atUs);
};

const clockText = (second: number): string =>
  `${String(10 + Math.floor(second / 3600)).padStart(2, '0')}${String(Math.floor(second / 60) % 60).padStart(2, '0')}${String(second % 60).padStart(2, '0')}.00`;
const gga = (second: number): string => `GPGGA,${clockText(second)},4753.7,N,00812.6,E,1,09,0.92,431.5,M,48.1,M,,`;
const rmc = (second: number, date = '050623'): string => `GPRMC,${clockText(second)},A,4753.7,N,00812.6,E,12.5,084.4,${date},,,A`;
const hasPosition = (result: RuleResult): boolean => result.outcome === 'readings' && result.records.some(({ n }) => n === 'latitude');

test('the position comes from GGA as long as there is one, whichever sentence comes first', () => {
  for (const bodies of [
    [rmc, gga],
    [gga, rmc],
  ]) {
    const rule = nmeaRule();
    for (let second = 0; second < 60; second++) {
      for (const body of bodies) expect(hasPosition(read(body(second), rule, ARRIVAL_US + second * SECOND_US))).toBe(body === gga);
    }
  }
});

test('without GGA for some seconds the position comes from RMC, until GGA is back', () => {
  const rule = nmeaRule();
  read(gga(0), rule);
  // a log that is replayed: nothing passes but the sentences' own time
  const positions = Array.from({ length: 9 }, (_, i) => hasPosition(read(rmc(i + 1), rule)));
  expect(positions).toEqual([false, false, false, false, true, true, true, true, true]);
  expect(hasPosition(read(gga(10), rule))).toBe(true);
  expect(hasPosition(read(rmc(10), rule))).toBe(false);
});

test('a receiver that says RMC alone gives positions after some seconds, also when its clock stands still', () => {
  const rule = nmeaRule();
  const positions = Array.from({ length: 8 }, (_, i) => hasPosition(read(rmc(0), rule, ARRIVAL_US + i * SECOND_US)));
  expect(positions).toEqual([false, false, false, false, false, true, true, true]);
});

test('after a silence the first RMC does not overtake the GGA of its second', () => {
  const rule = nmeaRule();
  read(gga(0), rule);
  expect(hasPosition(read(rmc(60), rule, ARRIVAL_US + 60 * SECOND_US))).toBe(false);
  expect(hasPosition(read(gga(60), rule, ARRIVAL_US + 60 * SECOND_US))).toBe(true);
});

const timesOf = (result: RuleResult): unknown =>
  result.outcome === 'readings'
    ? [...new Set(result.records.map(({ t }) => t))]
    : result.outcome === 'skipped'
      ? result.reason
      : result.code;

test('readings carry no time of their own, and get the arrival', () => {
  expect(timesOf(read(rmc(5)))).toEqual([undefined]);
});

test('with the time of the sentences nothing is stored until one has told the date, then all carry the last time told', () => {
  const rule = nmeaRule('sentence');
  const at = (second: number): number => Date.UTC(2023, 5, 5, 10, 0, second) / 1000;
  expect(timesOf(read(gga(0), rule))).toBe('no-time');
  expect(timesOf(read('YXMTW,17.75,C', rule))).toBe('no-time');
  expect(timesOf(read(rmc(1), rule))).toEqual([at(1)]);
  expect(timesOf(read(gga(2), rule))).toEqual([at(2)]);
  expect(timesOf(read('YXMTW,17.75,C', rule))).toEqual([at(2)]);
  read('GPZDA,100003.25,05,06,2023,00,00', rule);
  expect(timesOf(read('YXMTW,17.75,C', rule))).toEqual([at(3) + 0.25]);
});

test('with the time of the sentences, time goes on when nobody tells it any more', () => {
  const rule = nmeaRule('sentence');
  read(rmc(0), rule);
  const said = Date.UTC(2023, 5, 5, 10, 0, 0) / 1000;
  expect(timesOf(read('YXMTW,17.75,C', rule, ARRIVAL_US + 4 * SECOND_US))).toEqual([said]);
  expect(timesOf(read('YXMTW,17.75,C', rule, ARRIVAL_US + 60 * SECOND_US))).toEqual([said + 60]);
});

test('the time of day of GGA belongs to the day that is nearest', () => {
  const rule = nmeaRule('sentence');
  read('GPRMC,235959.50,A,4753.7,N,00812.6,E,12.5,084.4,311299,,,A', rule);
  expect(timesOf(read('GPGGA,000000.25,4753.7,N,00812.6,E,1,09,0.92,431.5,M,48.1,M,,', rule))).toEqual([
    Date.UTC(2000, 0, 1, 0, 0, 0, 250) / 1000,
  ]);
});

test.for([
  'GPRMC,101502,V,,,,,,,050623,,,N',
  'GPZDA,101502,31,02,2023,00,00',
  'GPZDA,251502,05,06,2023,00,00',
  'GPRMC,,A,,,,,,,050623,,,A',
])('%s does not tell the time', (body) => {
  const rule = nmeaRule('sentence');
  read(body, rule);
  expect(timesOf(read('YXMTW,17.75,C', rule))).toBe('no-time');
});

test('in the totals of a log every sentence with a valid checksum is readings or has a reason', () => {
  const bodies = Array.from({ length: 20 }, (_, i) => [
    rmc(i),
    gga(i),
    'GPGLL,4916.45,N,12311.12,W,225444,A',
    'GPGSV,1,1,03,1,2,3,4',
  ]).flat();
  const lines = bodies.map((body) => {
    const [name = '', ...fields] = body.split(',');
    return Buffer.from(buildSentence(name, fields));
  });
  lines.push(...['# a comment', '', '$GPGGA,cut', '$YXMTW,17.75,C*00', '\u0000\u0001', 'noise'].map((text) => Buffer.from(text)));
  const tooHot = buildSentence('YXMTW', ['hot', 'C']);
  lines.push(Buffer.from(tooHot));
  const totals = nmeaTotals(lines);
  expect(totals).toEqual({
    lines: 87,
    sentences: 83,
    valid: 81,
    withReadings: 60,
    readings: 20 * 2 + 20 * 5 + 20,
    metrics: {
      altitude: 20,
      course: 20,
      hdop: 20,
      latitude: 20,
      longitude: 20,
      satellites: 20,
      'satellites-in-view.gps': 20,
      speed: 20,
    },
    skipped: { GPGLL: 20, comment: 1, empty: 1 },
    refused: { 'bad-checksum': 2, 'bad-number': 1, 'no-match': 1, undecodable: 1 },
  });
});
