// Lines of pairs, `temperature=21.5;humidity:40`.

import type { SenmlRecord } from '../../protocol/messages.ts';
import { MAX_FIELDS, type Rule } from './rules.ts';
import type { KeyValueSettings, MetricSettings } from './rules-settings.ts';
import { badNumber, isMetric, readLine, readNumber, readValue, recordsOf, refusal, shown } from './rules-text.ts';

export const SEPARATORS = ',; \t';
export const ASSIGN = '=:';

export function createKeyValueRule(settings: KeyValueSettings): Rule {
  const { separators = SEPARATORS, assign = ASSIGN, decimalComma = false } = settings;
  const keys = new Map(Object.entries(settings.keys ?? {}));

  return {
    read(frame) {
      const line = readLine(frame);
      if (typeof line !== 'string') return line;
      const pairs = cut(line, separators);
      if (pairs === null) return refusal('too-many-fields', `More than ${MAX_FIELDS} pairs.`);

      const records: SenmlRecord[] = [];
      const seen = new Set<string>();
      for (const pair of pairs) {
        const at = firstOf(pair, assign);
        if (at <= 0) return refusal('no-match', `${shown(pair)} is no key with a value.`);
        const key = pair.slice(0, at).trim();
        const value = pair.slice(at + 1).trim();
        if (seen.has(key)) return refusal('no-match', `${shown(key)} is there twice.`);
        seen.add(key);
        const metric = keys.get(key);
        if (metric === null || value === '') continue;
        if (metric === undefined && !isMetric(key))
          return refusal('no-match', `${shown(key)} can't be a metric: letters and digits first, then also - : . / _`);
        const record = metric === undefined ? readUnknown(key, value, decimalComma) : readValue(value, metric, decimalComma);
        if (record === null) return badValue(value, metric ?? { metric: key });
        records.push(record);
      }
      return recordsOf(records);
    },
  };
}

/** Numbers, and the two words that can be nothing else. */
function readUnknown(key: string, value: string, isComma: boolean): SenmlRecord | null {
  if (value === 'true' || value === 'false') return { n: key, vb: value === 'true' };
  const v = readNumber(value, isComma);
  return v === null ? null : { n: key, v };
}

function badValue(value: string, { metric, as }: MetricSettings): ReturnType<typeof badNumber> {
  return as === 'boolean' ? refusal('no-match', `${metric}: ${shown(value)} is neither true nor false.`) : badNumber(value, metric);
}

/** What stands between the separators, where something does; null: too many. */
function cut(line: string, separators: string): string[] | null {
  const pieces: string[] = [];
  let start = 0;
  for (let i = 0; i <= line.length; i++) {
    if (i < line.length && !separators.includes(line[i])) continue;
    const piece = line.slice(start, i).trim();
    start = i + 1;
    if (piece === '') continue;
    if (pieces.length === MAX_FIELDS) return null;
    pieces.push(piece);
  }
  return pieces;
}

function firstOf(text: string, characters: string): number {
  for (let i = 0; i < text.length; i++) if (characters.includes(text[i])) return i;
  return -1;
}
