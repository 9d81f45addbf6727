// A log of NMEA 0183 sentences as SenML records, by the rule that a serial port has for them, with the times that the sentences tell.

import { createNmeaRule } from '../gateway/transports/serial/rules-nmea.ts';
import { readLog } from './serial-log.ts';
import type { ReplayRow } from './replay-source.ts';

const NAMES = /\.(?:nmea|log)$/i;
const ROWS_AT_ONCE = 1000;
/** Nothing depends on when a line is read: the sentences' own times are what passes. */
const ARRIVED_US = 0;

export function isNmeaLog(file: string): boolean {
  return NAMES.test(file);
}

/** `skipped` counts the lines without readings by the reason, sentences that nobody reads by their name. */
export async function* readNmeaLog(file: string, skipped: Map<string, number>): AsyncGenerator<ReplayRow[]> {
  const rule = createNmeaRule({ kind: 'nmea', time: 'sentence' }, false);
  let rows: ReplayRow[] = [];
  for await (const { content } of readLog(file)) {
    const result = rule.read(content, ARRIVED_US);
    if (result.outcome !== 'readings') {
      const reason = result.outcome === 'skipped' ? result.reason : result.code;
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
      continue;
    }
    for (const record of result.records) rows.push({ timeUs: Math.round(record.t! * 1e6), record });
    if (rows.length < ROWS_AT_ONCE) continue;
    yield rows;
    rows = [];
  }
  yield rows;
}
