// A file of readings as SenML records, some at a time: CSV with a header, or NDJSON with a record a line. A row that can't be read becomes
// a refused record, so that it is counted and kept like any other; what breaks the file as a whole is thrown as an ImportFault.

import { createCsvReader, type CsvRow } from '../protocol/csv.ts';
import { parseMillisUs, parseTimeUs } from '../protocol/csv-time.ts';
import type { RefusedRecord } from '../protocol/refused-input.ts';

export interface ImportRow {
  /** '' where the file does not say. */
  readonly device: string;
  readonly record: object;
}
export interface ImportRows {
  readonly rows: readonly ImportRow[];
  /** Rows without a value. */
  readonly empty: number;
}
/** For rows that do not say. */
export interface ImportDefaults {
  readonly metric?: string;
  readonly unit?: string;
}
export class ImportFault extends Error {}

const TIME_COLUMNS = ['time_ms', 'time', 'timestamp'] as const;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** How files say that nothing was measured. */
const NO_VALUE = /^(?:|nan|null|none|na|n\/a)$/i;
const MILLIS = /^(-?)(\d{1,13})(?:\.(\d{1,3}))?$/;
/** A quote that is never closed would swallow the rest of the file. */
const ROW_CHARS = 1024 * 1024;
const RAW_CHARS = 1000;

interface Reader {
  push(text: string): ImportRows;
  end(): ImportRows;
}

export async function* readImport(content: AsyncIterable<Uint8Array>, defaults: ImportDefaults): AsyncGenerator<ImportRows> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let reader: Reader | null = null;
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch {
      throw new ImportFault('it is not UTF-8');
    }
  };
  for await (const piece of content) {
    const text = decode(piece);
    reader ??= readerOf(text, defaults);
    if (reader !== null) yield reader.push(text);
  }
  const rest = decode();
  reader ??= readerOf(rest, defaults);
  if (reader === null) throw new ImportFault('it is empty');
  yield reader.push(rest);
  yield reader.end();
}

/** Null: nothing but blanks so far. */
function readerOf(text: string, defaults: ImportDefaults): Reader | null {
  const first = text.trimStart()[0];
  if (first === undefined) return null;
  if (first === '[') throw new ImportFault('it is a SenML pack: an import takes one record a line');
  return first === '{' ? createLineReader(defaults) : createTableReader(defaults);
}

function createTableReader(defaults: ImportDefaults): Reader {
  const csv = createCsvReader();
  let columns: Columns | null = null;
  let waiting = 0;
  const take = (found: readonly CsvRow[]): ImportRows => {
    const rows: ImportRow[] = [];
    let empty = 0;
    for (const row of found) {
      if (columns === null) columns = readHeader(row, defaults);
      else {
        const one = readRow(row, columns, defaults);
        if (one === null) empty++;
        else rows.push(one);
      }
    }
    return { rows, empty };
  };
  return {
    push(text) {
      const found = csv.push(text);
      waiting = found.length > 0 ? 0 : waiting + text.length;
      if (waiting > ROW_CHARS) throw new ImportFault(`a row has more than ${ROW_CHARS} characters: is a quote never closed?`);
      return take(found);
    },
    end() {
      try {
        const rows = take(csv.end());
        if (columns === null) throw new ImportFault('it is empty');
        return rows;
      } catch (error) {
        throw error instanceof ImportFault ? error : new ImportFault((error as Error).message);
      }
    },
  };
}

interface Columns {
  readonly time: number;
  readonly isMillis: boolean;
  readonly value: number;
  readonly device: number;
  readonly metric: number;
  readonly unit: number;
}

function readHeader({ cells }: CsvRow, defaults: ImportDefaults): Columns {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const time = TIME_COLUMNS.find((name) => names.includes(name));
  const value = names.indexOf('value');
  if (time === undefined || value < 0)
    throw new ImportFault(`its first line has to name the columns: value and one of ${TIME_COLUMNS.join(', ')} are needed`);
  const metric = names.indexOf('metric');
  if (metric < 0 && defaults.metric === undefined) throw new ImportFault('it has no column metric: name the metric');
  return {
    time: names.indexOf(time),
    isMillis: time === 'time_ms',
    value,
    device: names.indexOf('device'),
    metric,
    unit: names.indexOf('unit'),
  };
}

/** Null: nothing was measured. */
function readRow({ cells, quoted }: CsvRow, columns: Columns, defaults: ImportDefaults): ImportRow | null {
  const cell = (column: number): string => {
    const text = cells[column] ?? '';
    return quoted[column] === true ? unguarded(text) : text;
  };
  const device = cell(columns.device);
  const text = cell(columns.value);
  const isText = quoted[columns.value] === true;
  if (!isText && NO_VALUE.test(text)) return null;
  const timeText = cells[columns.time] ?? '';
  const timeUs = columns.isMillis ? exactMillisUs(timeText) : parseTimeUs(timeText);
  if (timeUs === null) return refused(device, 'bad-time', 'The time can not be read.', cells.join(','));
  const unit = columns.unit < 0 ? defaults.unit : cell(columns.unit) || (defaults.unit ?? '');
  const named = { n: cell(columns.metric) || (defaults.metric ?? ''), ...(unit !== undefined && { u: unit }), ...timeOf(timeUs) };
  if (isText) return { device, record: { ...named, vs: text } };
  if (NUMBER.test(text)) return { device, record: { ...named, v: Number(text) } };
  if (text === 'true' || text === 'false') return { device, record: { ...named, vb: text === 'true' } };
  return { device, record: { ...named, vs: unguarded(text) } };
}

function createLineReader(defaults: ImportDefaults): Reader {
  let part = '';
  const take = (lines: readonly string[]): ImportRows => {
    const full = lines.filter((line) => line.trim() !== '');
    return { rows: full.map((line) => readLine(line, defaults)), empty: 0 };
  };
  return {
    push(text) {
      const lines = (part + text).split('\n');
      part = lines.pop() ?? '';
      if (part.length > ROW_CHARS) throw new ImportFault(`a line has more than ${ROW_CHARS} characters`);
      return take(lines);
    },
    end: () => take([part]),
  };
}

/** Each line stands alone, whatever bases it has. */
function readLine(line: string, defaults: ImportDefaults): ImportRow {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return refused('', 'bad-json', 'The line is not JSON.', line);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return refused('', 'wrong-type', 'The line is no SenML record.', line);
  const { device: its, bn = '', bt = 0, bu, bv = 0, bver: _version, n = '', u, t, v, ...others } = parsed as Record<string, unknown>;
  const device = typeof its === 'string' ? its : '';
  const isNamed = typeof bn === 'string' && typeof n === 'string' && (bu === undefined || typeof bu === 'string');
  if (!isNamed || typeof bv !== 'number') return refused(device, 'wrong-type', 'A field has the wrong type.', line);
  if (typeof bt !== 'number' || (t !== undefined && typeof t !== 'number') || (t === undefined && !Object.hasOwn(parsed, 'bt')))
    return refused(device, 'bad-time', 'The record has no time that can be read.', line);
  const timeUs = Math.round(bt * 1e6) + Math.round(((t as number | undefined) ?? 0) * 1e6);
  if (!Number.isSafeInteger(timeUs)) return refused(device, 'bad-time', 'The time is out of range.', line);
  const value = v === undefined ? {} : { v: typeof v === 'number' ? v + bv : v };
  return {
    device,
    record: { ...others, n: bn + n || (defaults.metric ?? ''), u: u ?? bu ?? defaults.unit ?? '', ...timeOf(timeUs), ...value },
  };
}

/** Seconds and the rest apart are exact for every time; the base is the record's own. */
function timeOf(timeUs: number): { bt: number; t: number } {
  const bt = Math.floor(timeUs / 1e6);
  return { bt, t: (timeUs - bt * 1e6) / 1e6 };
}

/** As integers: beyond 2109 a double of milliseconds has no room for the third decimal. */
function exactMillisUs(text: string): number | null {
  const [, sign, whole, fraction = ''] = MILLIS.exec(text) ?? [];
  if (whole === undefined) return parseMillisUs(text);
  const timeUs = (Number(whole) * 1000 + Number(fraction.padEnd(3, '0'))) * (sign === '-' ? -1 : 1);
  return Number.isSafeInteger(timeUs) ? timeUs : null;
}

/** Exports guard text that a spreadsheet could take for a formula, or for guarded, with an apostrophe. */
function unguarded(text: string): string {
  return /^'+[=+\-@\t]/.test(text) ? text.slice(1) : text;
}

function refused(device: string, code: string, message: string, raw: string): ImportRow {
  const kept = raw.slice(0, RAW_CHARS).toWellFormed();
  return { device, record: { refused: { code, message, raw: kept === '' ? ' ' : kept, encoding: 'utf8' } } satisfies RefusedRecord };
}
