// From settings to a rule: the one place that knows every rule, and what its settings may be.

import type { Rule } from './rules.ts';
import { MAX_FIELDS } from './rules.ts';
import { BINARY_READERS, createBinaryRule } from './rules-binary.ts';
import { createCsvRule } from './rules-csv.ts';
import { createJsonRule } from './rules-json.ts';
import { ASSIGN, createKeyValueRule, SEPARATORS } from './rules-key-value.ts';
import { createNmeaRule } from './rules-nmea.ts';
import { createRegexRule, regexProblem } from './rules-regex.ts';
import type { BinarySettings, MetricSettings, RuleSettings } from './rules-settings.ts';
import { isMetric, METRIC_BYTES } from './rules-text.ts';

export interface RuleSurroundings {
  /** The framing is `nmea`: it has verified each checksum and cut it off. */
  readonly isVerified: boolean;
}

const UNIT_BYTES = 32;
const FRAME_BYTES = 4096;
const BIT_TYPES: ReadonlySet<string> = new Set(['u8', 'i8', 'u16', 'i16', 'u24', 'i24', 'u32', 'i32']);

/** Throws for settings that have a problem: ask `ruleProblem` first. Each port has its own rule, which may remember earlier frames. */
export function createRule(settings: RuleSettings, { isVerified }: RuleSurroundings): Rule {
  const problem = ruleProblem(settings);
  if (problem !== null) throw new Error(`this rule can't be used: ${problem}`);
  switch (settings.kind) {
    case 'csv':
      return createCsvRule(settings);
    case 'key-value':
      return createKeyValueRule(settings);
    case 'json':
      return createJsonRule(settings);
    case 'nmea':
      return createNmeaRule(settings, isVerified);
    case 'binary':
      return createBinaryRule(settings);
    case 'regex':
      return createRegexRule(settings);
    default:
      throw new Error(`no rule is called ${JSON.stringify(settings satisfies never)}`);
  }
}

/** Why these settings, whose types are right, can't be a rule: a sentence that begins with the key; null: they can. */
export function ruleProblem(settings: RuleSettings): string | null {
  switch (settings.kind) {
    case 'csv':
      return (
        countProblem('columns', settings.columns.length) ??
        metricsProblem(settings.columns.map((column, i) => [`columns.${i}`, column])) ??
        (settings.separator !== undefined && settings.separator.length !== 1 ? 'separator: one character' : null) ??
        (settings.decimalComma === true && (settings.separator ?? ',') === ',' ? 'decimalComma: the separator must be another one' : null)
      );
    case 'key-value': {
      const { separators = SEPARATORS, assign = ASSIGN, keys = {} } = settings;
      if (separators.length < 1 || separators.length > 8) return 'separators: 1 to 8 characters';
      if (assign.length < 1 || assign.length > 4) return 'assign: 1 to 4 characters';
      if ([...assign].some((character) => separators.includes(character))) return 'assign: none of the separators';
      if (settings.decimalComma === true && separators.includes(',')) return 'decimalComma: the comma must not be one of the separators';
      const count = Object.keys(keys).length;
      return (
        (count === 0 ? null : countProblem('keys', count)) ?? metricsProblem(Object.entries(keys).map(([key, one]) => [`keys.${key}`, one]))
      );
    }
    case 'json': {
      const units = Object.entries(settings.units ?? {});
      return (
        (units.length === 0 ? null : countProblem('units', units.length)) ??
        metricsProblem(units.map(([metric, unit]) => [`units.${metric}`, { metric, unit }]))
      );
    }
    case 'nmea':
      return null;
    case 'binary':
      return binaryProblem(settings);
    case 'regex':
      return (
        regexProblem(settings) ?? metricsProblem(Object.entries(settings.groups ?? {}).map(([group, one]) => [`groups.${group}`, one]))
      );
    default:
      throw new Error(`no rule is called ${JSON.stringify(settings satisfies never)}`);
  }
}

function countProblem(key: string, count: number): string | null {
  return count >= 1 && count <= MAX_FIELDS ? null : `${key}: 1 to ${MAX_FIELDS}, not ${count}`;
}

/** Each metric once. */
function metricsProblem(metrics: readonly (readonly [key: string, one: Pick<MetricSettings, 'metric' | 'unit'> | null])[]): string | null {
  const seen = new Set<string>();
  for (const [key, one] of metrics) {
    if (one === null) continue;
    const { metric } = one;
    const problem = metricProblem(one);
    if (problem !== null) return `${key}: ${problem}`;
    if (seen.has(metric)) return `${key}: ${metric} is there twice`;
    seen.add(metric);
  }
  return seen.size === 0 && metrics.length > 0 ? 'every value is left out; a rule needs one that is stored' : null;
}

/** A name and a unit that every device's metric may have. */
export function metricProblem({ metric, unit }: Pick<MetricSettings, 'metric' | 'unit'>): string | null {
  if (!isMetric(metric)) return `a metric is at most ${METRIC_BYTES} letters, digits and - : . / _, beginning with a letter or a digit`;
  if (unit !== undefined && (new TextEncoder().encode(unit).length > UNIT_BYTES || /\p{Cc}/u.test(unit) || !unit.isWellFormed()))
    return `a unit is at most ${UNIT_BYTES} bytes of text`;
  return null;
}

function binaryProblem({ lengthBytes, match = [], fields }: BinarySettings): string | null {
  const most = lengthBytes ?? FRAME_BYTES;
  if (!isWhole(most, 1, FRAME_BYTES)) return `lengthBytes: a whole number from 1 to ${FRAME_BYTES}`;
  const count = countProblem('fields', fields.length);
  if (count !== null) return count;
  if (match.length > MAX_FIELDS) return `match: at most ${MAX_FIELDS}`;
  for (const [i, { atByte, hex }] of match.entries()) {
    if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex)) return `match.${i}.hex: pairs of hexadecimal digits`;
    if (!isWhole(atByte, 0, most - hex.length / 2)) return `match.${i}.atByte: its bytes must lie within the frame's ${most}`;
  }
  for (const [i, { atByte, type, scale = 1, offset = 0, bit, absent = 0 }] of fields.entries()) {
    if (!isWhole(atByte, 0, most - BINARY_READERS[type].bytes)) return `fields.${i}.atByte: its bytes must lie within the frame's ${most}`;
    if (![scale, offset, absent].every(Number.isFinite)) return `fields.${i}: scale, offset and absent are finite numbers`;
    if (bit !== undefined && !(BIT_TYPES.has(type) && isWhole(bit, 0, BINARY_READERS[type].bytes * 8 - 1)))
      return `fields.${i}.bit: a bit of a whole number of at most 32 bits, 0 the lowest`;
    if (bit !== undefined && (scale !== 1 || offset !== 0)) return `fields.${i}.bit: a boolean has neither scale nor offset`;
  }
  return metricsProblem(fields.map((field, i) => [`fields.${i}`, field]));
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
