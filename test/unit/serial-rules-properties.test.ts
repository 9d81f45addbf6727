// Rules against any bytes: they answer, and their work is in proportion to the bytes. Steps are counted, not timed.

import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createRule } from '../../gateway/transports/serial/rules-factory.ts';
import type { Rule } from '../../gateway/transports/serial/rules.ts';
import type { RuleSettings } from '../../gateway/transports/serial/rules-settings.ts';
import { countSteps } from '../support/step-counter.ts';

const counter = countSteps(/\/gateway\/(transports\/serial\/rules|protocol\/(nmea|json-scan))[\w-]*\.ts|\/re2js\//);
afterAll(() => counter[Symbol.dispose]());

const columns = Array.from({ length: 64 }, (_, i) => ({ metric: `m${i}` }));
const SETTINGS: readonly RuleSettings[] = [
  { kind: 'csv', columns },
  { kind: 'csv', columns, checksum: 'xor' },
  { kind: 'key-value' },
  { kind: 'json', nested: true },
  { kind: 'nmea' },
  { kind: 'nmea', time: 'sentence' },
  { kind: 'binary', fields: columns.map(({ metric }, i) => ({ metric, atByte: i, type: 'u16' })) },
  { kind: 'regex', pattern: '(?<x>(a+)+)$' },
];
const named = (settings: RuleSettings): [string, Rule, RuleSettings] => [
  JSON.stringify(settings).slice(0, 40),
  createRule(settings, { isVerified: false }),
  settings,
];
const RULES = SETTINGS.map(named);
const KIB = 1024;
/** An expression's every instruction may be looked at for every character. */
const STEPS_PER_BYTE: Readonly<Record<string, number>> = { regex: 300 };
const STEPS_PER_FRAME = 4_000;

const WORDS = [
  '$GPGGA',
  '$GPRMC',
  '$IIXDR',
  ',',
  '*',
  '0A',
  '{',
  '}',
  '"',
  ':',
  '[',
  ']',
  '\\',
  '1e999',
  '-',
  '.',
  'a',
  '=',
  ';',
  ' ',
  '\t',
  '\r',
  '\n',
  '#',
  '__proto__',
  '12.5',
  'true',
  '\u00e9',
];
const text = fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }).map((words) => Buffer.from(words.join('')));
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), text);

test('whatever the bytes are, every rule answers and what it lets through is complete and finite', () => {
  fc.assert(
    fc.property(anyBytes, fc.boolean(), (bytes, isVerified) => {
      for (const settings of SETTINGS) {
        const result = createRule(settings, { isVerified }).read(bytes, 1_760_000_000_000_000);
        if (result.outcome === 'refused') expect(result.message).not.toBe('');
        if (result.outcome !== 'readings') continue;
        expect(result.records.length).toBeGreaterThan(0);
        for (const { n, v } of settings.kind === 'json' ? [] : result.records) {
          expect(n).toMatch(/^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/);
          if (v !== undefined) expect(Number.isFinite(v)).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('whatever came before, a frame is not read beyond its own bytes and is left as it was', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const around = Buffer.concat([Buffer.from('1,2*'), bytes, Buffer.from('9')]);
      const inside = around.subarray(4, around.length - 1);
      for (const settings of SETTINGS) {
        const read = (frame: Uint8Array): unknown => createRule(settings, { isVerified: false }).read(frame, 0);
        expect(read(inside)).toEqual(read(Uint8Array.from(bytes)));
      }
      expect(around).toEqual(Buffer.concat([Buffer.from('1,2*'), bytes, Buffer.from('9')]));
    }),
    { numRuns: 100 },
  );
});

test.for([
  ['commas', ','],
  ['digits', '9'],
  ['points', '.'],
  ['exponents', '1e'],
  ['spaces', ' '],
  ['pairs', 'a=1,'],
  ['keys alone', 'a='],
  ['the letter of the expression', 'a'],
  ['the letter and another', 'ab'],
  ['brackets', '['],
  ['objects in each other', '{"a":'],
  ['quotes', '"'],
  ['back-slashes', '\\'],
  ['dollars', '$'],
  ['sentences in one', '$GPGGA,1,2,3*00'],
  ['stars', '*'],
  ['letters of two bytes', '\u00e9'],
  ['comments', '#'],
  ['minus signs', '-'],
])('%s cost steps in proportion to their bytes', ([, piece]) => {
  for (const [name, rule, { kind }] of RULES) {
    for (const size of [1 * KIB, 8 * KIB]) {
      const frame = Buffer.alloc(size, piece);
      const steps = counter.count(() => rule.read(frame, 0));
      expect(steps, `${name}: ${size} bytes`).toBeLessThanOrEqual(STEPS_PER_FRAME + (STEPS_PER_BYTE[kind] ?? 8) * size);
    }
  }
});
