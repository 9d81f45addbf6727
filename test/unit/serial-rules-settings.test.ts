// Settings that can't be a rule are refused when the configuration is read, with the reason.

import { expect, test } from 'vitest';
import { createRule, ruleProblem } from '../../gateway/transports/serial/rules-factory.ts';
import type { RuleSettings } from '../../gateway/transports/serial/rules-settings.ts';

test.for<[RuleSettings, RegExp]>([
  [{ kind: 'regex', pattern: '(a+)+$' }, /no named group/],
  [{ kind: 'regex', pattern: `(?<x>${'a'.repeat(10 * 1024)})` }, /has 10246 characters/],
  [{ kind: 'regex', pattern: '(?<x>a)\\1' }, /invalid escape sequence: `\\1`.*no back-references/],
  [{ kind: 'regex', pattern: '(?<x>a)\\k<x>' }, /can't be used/],
  [{ kind: 'regex', pattern: '(?<x>a)(?=b)' }, /no look-around/],
  [{ kind: 'regex', pattern: '(?<x>a' }, /missing closing \)/],
  [{ kind: 'regex', pattern: '(?<x>(?:a{0,30}){30})' }, /steps; at most 512/],
  [{ kind: 'regex', pattern: '(?<x>a{1000}{1000})' }, /can't be used/],
  [{ kind: 'regex', pattern: '(?<_x>a)' }, /_x can't be a metric/],
  [{ kind: 'regex', pattern: '(?<x>a)', groups: { y: { metric: 'y' } } }, /groups\.y.*it has x/],
  [{ kind: 'regex', pattern: Array.from({ length: 65 }, (_, i) => `(?<g${i}>a)`).join('') }, /65 named groups/],
])('W12 the settings %o are refused with the reason %s', ([settings, reason]) => {
  expect(ruleProblem(settings)).toMatch(reason);
  expect(() => createRule(settings, { isVerified: false })).toThrow(reason);
});

test.for<[RuleSettings, RegExp]>([
  [{ kind: 'csv', columns: [] }, /^columns: 1 to 64/],
  [{ kind: 'csv', columns: Array.from({ length: 65 }, () => null) }, /^columns: 1 to 64/],
  [{ kind: 'csv', columns: [null] }, /left out/],
  [{ kind: 'csv', columns: [{ metric: 'a' }, { metric: 'a' }] }, /^columns\.1: a is there twice/],
  [{ kind: 'csv', columns: [{ metric: 'a b' }] }, /^columns\.0: a metric is/],
  [{ kind: 'csv', columns: [{ metric: 'a', unit: 'x'.repeat(33) }] }, /^columns\.0: a unit is/],
  [{ kind: 'csv', columns: [{ metric: 'a', unit: '\n' }] }, /^columns\.0: a unit is/],
  [{ kind: 'csv', columns: [{ metric: 'a' }], separator: '' }, /^separator/],
  [{ kind: 'csv', columns: [{ metric: 'a' }], separator: ', ' }, /^separator/],
  [{ kind: 'csv', columns: [{ metric: 'a' }], decimalComma: true }, /^decimalComma/],
  [{ kind: 'key-value', separators: '' }, /^separators/],
  [{ kind: 'key-value', assign: '' }, /^assign/],
  [{ kind: 'key-value', assign: '=;' }, /^assign/],
  [{ kind: 'key-value', decimalComma: true }, /^decimalComma/],
  [{ kind: 'key-value', keys: { a: { metric: 'x' }, b: { metric: 'x' } } }, /^keys\.b: x is there twice/],
  [{ kind: 'json', units: { 'a b': 'm' } }, /^units\.a b/],
  [{ kind: 'binary', fields: [] }, /^fields/],
  [{ kind: 'binary', lengthBytes: 0, fields: [{ metric: 'x', atByte: 0, type: 'u8' }] }, /^lengthBytes/],
  [{ kind: 'binary', lengthBytes: 2, fields: [{ metric: 'x', atByte: 1, type: 'u16' }] }, /^fields\.0\.atByte/],
  [{ kind: 'binary', fields: [{ metric: 'x', atByte: -1, type: 'u16' }] }, /^fields\.0\.atByte/],
  [{ kind: 'binary', fields: [{ metric: 'x', atByte: 0, type: 'u16', bit: 16 }] }, /^fields\.0\.bit/],
  [{ kind: 'binary', fields: [{ metric: 'x', atByte: 0, type: 'f32', bit: 0 }] }, /^fields\.0\.bit/],
  [{ kind: 'binary', fields: [{ metric: 'x', atByte: 0, type: 'u8', bit: 0, scale: 2 }] }, /^fields\.0\.bit/],
  [{ kind: 'binary', fields: [{ metric: 'x', atByte: 0, type: 'u8', scale: Number.NaN }] }, /^fields\.0: scale/],
  [{ kind: 'binary', match: [{ atByte: 0, hex: 'A' }], fields: [{ metric: 'x', atByte: 0, type: 'u8' }] }, /^match\.0\.hex/],
  [
    { kind: 'binary', lengthBytes: 2, match: [{ atByte: 1, hex: 'AABB' }], fields: [{ metric: 'x', atByte: 0, type: 'u8' }] },
    /^match\.0\.atByte/,
  ],
])('the settings %o are refused with the key %s', ([settings, reason]) => {
  expect(ruleProblem(settings)).toMatch(reason);
});
