// NMEA 0183: sentences to fields, and fields to readings.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildSentence, readSentence, sentenceChecksum } from '../../gateway/protocol/nmea.ts';
import { createRule } from '../../gateway/transports/serial/rules-factory.ts';
import type { Rule, RuleResult } from '../../gateway/transports/serial/rules.ts';

const ARRIVAL_US = 1_760_000_000_000_000;
const KNOT = 1852 / 3600;

const nmeaRule = (): Rule => createRule({ kind: 'nmea' }, { isVerified: false });
/** What stands between `$` and `*`, read with its right checksum. */
const read = (body: string, rule = nmeaRule(), atUs = ARRIVAL_US): RuleResult => {
  const [name = '', ...fields] = body.split(',');
  return rule.read(Buffer.from(`${buildSentence(name, fields)}\r\n`), atUs);
};
/** Values by metric and unit. */
const valuesOf = (result: RuleResult): unknown =>
  result.outcome === 'readings' ? Object.fromEntries(result.records.map(({ n, u, v }) => [u === undefined ? n : `${n} ${u}`, v])) : result;

test.for<[string, Record<string, number>]>([
  [
    'GPGGA,101502.250,4753.7000,N,00812.6000,W,1,09,0.92,431.5,M,48.1,M,,',
    { 'latitude lat': 47 + 53.7 / 60, 'longitude lon': -(8 + 12.6 / 60), 'altitude m': 431.5, 'satellites count': 9, 'hdop /': 0.92 },
  ],
  [
    'GNGGA,101502,0015.0000,S,17930.0000,E,2,12,0.54,-3.1,M,-29.5,M,,0000',
    { 'latitude lat': -0.25, 'longitude lon': 179.5, 'altitude m': -3.1, 'satellites count': 12, 'hdop /': 0.54 },
  ],
  ['GPRMC,101502.00,A,4753.7,N,00812.6,E,12.5,084.4,050623,003.1,W', { 'speed m/s': 12.5 * KNOT, 'course deg': 84.4 }],
  ['GNRMC,101502.00,A,4753.7,N,00812.6,E,0.040,,050623,,,D,V', { 'speed m/s': 0.04 * KNOT }],
  ['GPVTG,251.34,T,,M,0.58,N,1.07,K,A', { 'course deg': 251.34, 'speed m/s': 0.58 * KNOT }],
  ['GPVTG,,T,,M,,N,36.0,K,D', { 'speed m/s': 10 }],
  ['GNGSA,A,3,29,20,18,16,,,,,,,,,0.99,0.54,0.83,1', { 'pdop /': 0.99, 'hdop /': 0.54, 'vdop /': 0.83 }],
  ['GPGSV,3,1,11,03,03,111,00,04,15,270,00,06,01,010,00,13,06,292,00', { 'satellites-in-view.gps count': 11 }],
  ['GLGSV,1,1,00', { 'satellites-in-view.glonass count': 0 }],
  ['GAGSV,3,1,10,03,44,149,40,05,42,071,39,08,08,190,,09,06,034,,7', { 'satellites-in-view.galileo count': 10 }],
  ['GBGSV,2,1,07,04,01,262,,07,03,328,,27,78,059,44,28,29,115,34,1', { 'satellites-in-view.beidou count': 7 }],
  ['GPGSV,1,1,03,04,15,270,30,06,01,010,31,13,06,292,32,6', { 'satellites-in-view.gps.signal-6 count': 3 }],
  ['WIMWV,214.8,R,10.0,N,A', { 'wind-angle-apparent deg': 214.8, 'wind-speed-apparent m/s': 10 * KNOT }],
  ['WIMWV,045.0,T,18.0,K,A', { 'wind-angle-true deg': 45, 'wind-speed-true m/s': 18 * (1 / 3.6) }],
  ['WIMWV,359,T,7.5,M,A', { 'wind-angle-true deg': 359, 'wind-speed-true m/s': 7.5 }],
  ['SDDPT,12.5,0.5,100', { 'depth m': 12.5, 'depth-below-surface m': 13 }],
  ['SDDPT,12.5,-1.5', { 'depth m': 12.5, 'depth-below-keel m': 11 }],
  ['SDDPT,12.5,', { 'depth m': 12.5 }],
  ['SDDBT,036.4,f,011.1,M,006.0,F', { 'depth m': 11.1 }],
  ['SDDBT,10,f,,M,,F', { 'depth m': 10 * 0.3048 }],
  ['SDDBT,,f,,M,2,F', { 'depth m': 2 * 1.8288 }],
  ['YXMTW,17.75,C', { 'water-temperature Cel': 17.75 }],
  ['HEHDT,274.07,T', { 'heading deg': 274.07 }],
  ['VWVHW,124.8,T,128.1,M,5.0,N,9.26,K', { 'heading deg': 124.8, 'heading-magnetic deg': 128.1, 'water-speed m/s': 5 * KNOT }],
  [
    'IIXDR,P,1.02481,B,Barometer,C,19.25,C,AirTemp,H,55.5,P,',
    { 'pressure.Barometer Pa': 102481, 'temperature.AirTemp Cel': 19.25, 'humidity %RH': 55.5 },
  ],
  [
    'IIXDR,A,-3.5,D,PTCH,T,1500,R,ENGINE#0,U,12.6,V,ENGINE#0,G,7,,Any Thing',
    { 'angle.PTCH deg': -3.5, 'speed-of-rotation.ENGINE-0 1/min': 1500, 'voltage.ENGINE-0 V': 12.6, 'generic.Any-Thing': 7 },
  ],
])('%s becomes its readings', ([body, expected]) => {
  const values = valuesOf(read(body));
  expect(Object.keys(values as object)).toEqual(expect.arrayContaining(Object.keys(expected)));
  expect(Object.keys(values as object)).toHaveLength(Object.keys(expected).length);
  for (const [metric, value] of Object.entries(expected)) expect((values as Record<string, number>)[metric], metric).toBeCloseTo(value, 9);
});

test('a temperature in degrees Fahrenheit is stored in degrees Celsius', () => {
  expect(read('IIXDR,C,212,F,BOILER')).toMatchObject({ records: [{ n: 'temperature.BOILER', u: 'Cel', v: expect.closeTo(100, 9) }] });
});

test.for([
  ['GPGGA,101502,,,,,0,00,99.9,,M,,M,,', 'no-fix'],
  ['GPRMC,101502,V,,,,,,,050623,,,N', 'no-fix'],
  ['GPVTG,,T,,M,,N,,K,N', 'no-fix'],
  ['GPGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9', 'no-fix'],
  ['WIMWV,214.8,R,10.0,N,V', 'not-valid'],
  ['GPGSV,3,2,11,14,25,170,00,16,57,208,39,18,67,296,40,19,40,246,00', 'GPGSV'],
  ['GPZDA,101502.00,05,06,2023,00,00', 'GPZDA'],
  ['GPGLL,4916.45,N,12311.12,W,225444,A', 'GPGLL'],
  ['YXMTW,,C', 'YXMTW'],
  ['PUBX,00,081350.00,4717.113210,N', 'PUBX'],
  ['PGRMC,A,0,0', 'PGRMC'],
])('%s holds nothing to store and is counted as %s', ([body, reason]) => {
  expect(read(body)).toEqual({ outcome: 'skipped', reason });
});

test('a sentence that begins with an exclamation mark is counted under its own name', () => {
  const body = 'AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0';
  expect(nmeaRule().read(Buffer.from(`!${body}*${sentenceChecksum(body)}`), ARRIVAL_US)).toEqual({ outcome: 'skipped', reason: 'AIVDM' });
});

test.for([
  ['YXMTW,1O.5,C', 'bad-number'],
  ['YXMTW,0x1F,C', 'bad-number'],
  ['YXMTW,nan,C', 'bad-number'],
  ['YXMTW,1e5,C', 'bad-number'],
  ['YXMTW,--3,C', 'bad-number'],
  [`YXMTW,${'9'.repeat(400)},C`, 'bad-number'],
  ['GPGGA,101502,9053.7,N,00812.6,E,1,09,0.9,431.5,M,,M,,', 'bad-number'],
  ['GPGGA,101502,4760.0,N,00812.6,E,1,09,0.9,431.5,M,,M,,', 'bad-number'],
  ['GPGGA,101502,4753.7,E,00812.6,N,1,09,0.9,431.5,M,,M,,', 'bad-number'],
  ['GPGGA,101502,4753.7,,00812.6,E,1,09,0.9,431.5,M,,M,,', 'bad-number'],
  ['YXMTW,17.75,X', 'no-match'],
  ['WIMWV,214.8,Q,10.0,N,A', 'no-match'],
  ['GPVTG,251.34,251.34,0.58,1.07', 'no-match'],
  ['IIXDR,C,19.5,C', 'no-match'],
  ['IIXDR,C,19.5,C,<b>', 'no-match'],
  ['gpgga,1', 'no-match'],
  [`GPTXT${',x'.repeat(65)}`, 'too-many-fields'],
])('W8 %s is refused as %s', ([body, code]) => {
  expect(read(body)).toMatchObject({ outcome: 'refused', code });
});

test.for([
  ['$YXMTW,17.75,C*00', 'bad-checksum'],
  ['$YXMTW,17.75,C', 'bad-checksum'],
  ['$YXMTW,17.75,C*', 'bad-checksum'],
  ['$YXMTW,17.75,C*1', 'bad-checksum'],
  ['$*00', 'no-match'],
  ['*00', 'no-match'],
  ['YXMTW,17.75,C', 'no-match'],
  ['\\s:r1', 'no-match'],
  ['$YXMTW,\u0001', 'undecodable'],
])('W7 %s is refused as %s', ([text, code]) => {
  expect(nmeaRule().read(Buffer.from(text), ARRIVAL_US)).toMatchObject({ outcome: 'refused', code });
});

test('behind a framing that has verified and cut off the checksum, a sentence needs none', () => {
  const rule = createRule({ kind: 'nmea' }, { isVerified: true });
  expect(valuesOf(rule.read(Buffer.from('$YXMTW,17.75,C'), ARRIVAL_US))).toEqual({ 'water-temperature Cel': 17.75 });
  expect(rule.read(Buffer.from('$YXMTW,17.75,C*00'), ARRIVAL_US)).toMatchObject({ code: 'bad-checksum' });
});

test('a block of tags before the sentence, lower-case digits and spaces at the end change nothing', () => {
  const sentence = buildSentence('YXMTW', ['17.75', 'C']);
  const expected = { 'water-temperature Cel': 17.75 };
  expect(valuesOf(nmeaRule().read(Buffer.from(`\\s:r003669945,c:1120959341*51\\${sentence}`), ARRIVAL_US))).toEqual(expected);
  expect(
    valuesOf(nmeaRule().read(Buffer.from(`${sentence.toLowerCase().replace('$yxmtw', '$YXMTW').replace('c*', 'C*')}  \r\n`), ARRIVAL_US)),
  ).toEqual(expected);
});

test('what the builder makes, the reader takes apart again', () => {
  const field = fc.string({ unit: fc.constantFrom(...'0123456789.-ABCNSEW'), maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom('GPGGA', 'IIXDR', 'GNRMC'), fc.array(field, { maxLength: 30 }), (name, fields) => {
      const sentence = readSentence(buildSentence(name, fields), { maxFields: 30, isVerified: false });
      expect(sentence).toEqual({ name, type: name.slice(2), talker: name.slice(0, 2), fields });
    }),
  );
});

test('a sentence with any one character changed is never taken for another one', () => {
  const sentence = buildSentence('GPGGA', '101502.25,4753.7,N,00812.6,W,1,09,0.92,431.5,M,48.1,M,,'.split(','));
  for (let i = 0; i < sentence.length; i++) {
    const other = sentence[i] === '7' ? '8' : '7';
    const result = nmeaRule().read(Buffer.from(sentence.slice(0, i) + other + sentence.slice(i + 1)), ARRIVAL_US);
    expect(result.outcome, `${i}`).toBe('refused');
  }
});
