// JSON: SenML as every device may send it, or an object whose members are readings.

import { scanJson } from '../../protocol/json-scan.ts';
import type { SenmlRecord } from '../../protocol/messages.ts';
import { MAX_FIELDS, type Rule, type RuleResult } from './rules.ts';
import type { JsonSettings } from './rules-settings.ts';
import { badNumber, EMPTY, isMetric, readText, refusal, shown, UNDECODABLE } from './rules-text.ts';

type Members = Readonly<Record<string, unknown>>;

const DEPTH = 8;
const TOO_MANY = refusal('too-many-fields', `More than ${MAX_FIELDS} members or records.`);
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export function createJsonRule({ nested = false, units = {} }: JsonSettings): Rule {
  const unitOf = new Map(Object.entries(units));

  /** Adds an object's readings; returns what is wrong with one. */
  function collect(members: Members, prefix: string, records: SenmlRecord[]): RuleResult | null {
    for (const [key, value] of Object.entries(members)) {
      const isInner = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (isInner ? !nested : typeof value === 'object') continue;
      const name = prefix + key;
      if (!isMetric(name)) return refusal('no-match', `${shown(name)} can't be a metric: letters and digits first, then also - : . / _`);
      if (isInner) {
        const fault = collect(value as Members, `${name}.`, records);
        if (fault !== null) return fault;
        continue;
      }
      if (records.length === MAX_FIELDS) return TOO_MANY;
      const unit = unitOf.get(name);
      const head = unit === undefined ? { n: name } : { n: name, u: unit };
      if (typeof value === 'number') {
        // what JSON writes as 1e999
        if (!Number.isFinite(value)) return badNumber(`${value}`, name);
        records.push({ ...head, v: value });
      } else if (typeof value === 'boolean') records.push({ ...head, vb: value });
      else if (typeof value === 'string') records.push({ ...head, vs: value });
    }
    return null;
  }

  return {
    read(frame) {
      const text = readText(frame);
      if (text === null) return UNDECODABLE;
      if (text.trim() === '') return EMPTY;
      const scan = scanJson(frame, DEPTH, MAX_FIELDS);
      if (scan === 'too-many-keys') return TOO_MANY;
      if (scan === 'too-deep') return refusal('no-match', `JSON nested deeper than ${DEPTH} levels.`);
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        return refusal('no-match', `${shown(text)} is no JSON.`);
      }
      if (scan === 'suspect' && hasForbiddenKey(parsed))
        return refusal('no-match', 'A key that has a meaning of its own in programs: __proto__, constructor or prototype.');
      if (Array.isArray(parsed)) return readPack(parsed);
      if (!isMembers(parsed)) return refusal('no-match', 'JSON, but neither an object nor a SenML pack.');
      if (isSenml(parsed)) return readPack([parsed]);
      const records: SenmlRecord[] = [];
      const fault = collect(parsed, '', records);
      if (fault !== null) return fault;
      return records.length === 0 ? EMPTY : { outcome: 'readings', records };
    },
  };
}

/** Records as they are: what validates everybody's says more about them. */
function readPack(pack: readonly unknown[]): RuleResult {
  if (pack.length > MAX_FIELDS) return TOO_MANY;
  if (pack.length === 0) return EMPTY;
  if (!pack.every(isMembers)) return refusal('no-match', 'A SenML pack is a list of records.');
  for (const record of pack) {
    for (const label of ['v', 'bv', 't', 'bt', 'ut']) {
      const value = record[label];
      if (typeof value === 'number' && !Number.isFinite(value)) return badNumber(`${value}`, label);
    }
  }
  return { outcome: 'readings', records: pack };
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A name and a value by SenML's labels; an object of readings has hardly both. */
function isSenml(object: Members): boolean {
  return (typeof object.n === 'string' || typeof object.bn === 'string') && ['v', 'vs', 'vb'].some((label) => Object.hasOwn(object, label));
}

/** Here or anywhere below; the depth was bounded before. */
function hasForbiddenKey(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some(hasForbiddenKey);
  return Object.entries(node).some(([key, below]) => FORBIDDEN.has(key) || hasForbiddenKey(below));
}
