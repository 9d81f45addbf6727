// What a log of NMEA sentences makes, counted: every sentence with a valid checksum is readings or has a reason.

import { readSentence } from '../../protocol/nmea.ts';
import { MAX_FIELDS } from './rules.ts';
import { createNmeaRule } from './rules-nmea.ts';
import { readText } from './rules-text.ts';

export interface NmeaTotals {
  readonly lines: number;
  /** Lines that begin as a sentence does. */
  readonly sentences: number;
  /** With the right checksum; each of them is one of the next three. */
  readonly valid: number;
  readonly withReadings: number;
  readonly readings: number;
  /** Readings by metric. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Lines by the reason why nothing was to be stored. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Lines by what was wrong with them. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Lines without their ends. Nothing depends on when they are read: the sentences' own times are what passes. */
export function nmeaTotals(lines: Iterable<Uint8Array>): NmeaTotals {
  const rule = createNmeaRule({ kind: 'nmea' }, false);
  const metrics = new Map<string, number>();
  const skipped = new Map<string, number>();
  const refused = new Map<string, number>();
  const totals = { lines: 0, sentences: 0, valid: 0, withReadings: 0, readings: 0 };
  for (const line of lines) {
    totals.lines++;
    const text = readText(line)?.trim() ?? '';
    if (/^[$!\\]/.test(text)) {
      totals.sentences++;
      const sentence = readSentence(text, { maxFields: MAX_FIELDS, isVerified: false });
      if (!('fault' in sentence) || sentence.fault !== 'bad-checksum') totals.valid++;
    }
    const result = rule.read(line, 0);
    switch (result.outcome) {
      case 'readings':
        totals.withReadings++;
        totals.readings += result.records.length;
        for (const { n = '' } of result.records) count(metrics, n);
        break;
      case 'skipped':
        count(skipped, result.reason);
        break;
      case 'refused':
        count(refused, result.code);
        break;
      default:
        throw new Error(`no outcome is called ${JSON.stringify(result satisfies never)}`);
    }
  }
  return { ...totals, metrics: sorted(metrics), skipped: sorted(skipped), refused: sorted(refused) };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
