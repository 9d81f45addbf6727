// Lines of columns.

import type { SenmlRecord } from '../../protocol/messages.ts';
import { sentenceChecksum } from '../../protocol/nmea.ts';
import { MAX_FIELDS, type Rule, type RuleResult } from './rules.ts';
import type { CsvSettings } from './rules-settings.ts';
import { badNumber, readLine, readValue, recordsOf, refusal, shown } from './rules-text.ts';

const HEADER: RuleResult = { outcome: 'skipped', reason: 'header' };
const CHECKSUM_LENGTH = 3;

export function createCsvRule({ columns, separator = ',', decimalComma = false, checksum = 'none' }: CsvSettings): Rule {
  const isHeader = (fields: readonly string[]): boolean =>
    columns.some((column) => column !== null) && columns.every((column, i) => column === null || column.metric === fields[i]);

  return {
    read(frame) {
      const line = readLine(frame);
      if (typeof line !== 'string') return line;
      const body = checksum === 'xor' ? withoutChecksum(line) : line;
      if (body === null) return refusal('bad-checksum', 'The line does not end with * and the right two digits.');
      const fields = body.split(separator, MAX_FIELDS + 1).map((field) => field.trim());
      if (fields.length > MAX_FIELDS) return refusal('too-many-fields', `More than ${MAX_FIELDS} fields.`);
      if (fields.length !== columns.length)
        return refusal('no-match', `The line has ${counted(fields.length, 'field')}, the rule ${counted(columns.length, 'column')}.`);
      if (isHeader(fields)) return HEADER;

      const records: SenmlRecord[] = [];
      for (let i = 0; i < columns.length; i++) {
        const column = columns[i];
        if (column === null || fields[i] === '') continue;
        const record = readValue(fields[i], column, decimalComma);
        if (record === null)
          return column.as === 'boolean'
            ? refusal('no-match', `${column.metric}: ${shown(fields[i])} is neither true nor false.`)
            : badNumber(fields[i], column.metric);
        records.push(record);
      }
      return recordsOf(records);
    },
  };
}

/** Null when it is wrong or missing. */
function withoutChecksum(line: string): string | null {
  const star = line.length - CHECKSUM_LENGTH;
  if (star < 0 || line[star] !== '*') return null;
  const body = line.slice(line.startsWith('$') ? 1 : 0, star);
  const computed = sentenceChecksum(body);
  return line.slice(star + 1).toUpperCase() === computed ? body : null;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
