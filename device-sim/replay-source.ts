// A CSV file, an NMEA log or a capture as SenML records, in the order of the file: nothing is sorted, nothing is merged, no value is touched.

import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import { RELATIVE_BELOW_US } from '../gateway/protocol/time.ts';
import { createCsvReader, type CsvRow } from '../gateway/protocol/csv.ts';
import { parseMillisUs, parseTimeUs } from '../gateway/protocol/csv-time.ts';
import { Failure, unreadableFile } from './failure.ts';
import { isCapture, readCaptureRows } from './replay-capture.ts';
import { isNmeaLog, readNmeaLog } from './replay-nmea.ts';

export interface ReplayRow {
  readonly timeUs: number;
  readonly record: SenmlRecord;
}

export interface SourceOptions {
  readonly file: string;
  /** Rows of other devices are left out, where the file has a device column. */
  readonly device: string;
  /** For rows that name no metric; without it the file's name serves. */
  readonly metric?: string;
  readonly unit?: string;
}

/** What the file holds, found by reading all of it: a bad line shows before anything is sent. */
export interface SourceCheck {
  readonly readings: number;
  /** Rows without a value, and rows of other devices. */
  readonly empty: number;
  readonly foreign: number;
  /** Lines of an NMEA log, and frames of a capture, that are no readings, by the reason. */
  readonly skipped?: ReadonlyMap<string, number>;
}

const TIME_COLUMNS = ['time_ms', 'time', 'timestamp'] as const;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** How files say that nothing was measured. */
const NO_VALUE = /^(?:|nan|null|none|na|n\/a)$/i;

export function checkFile(path: string): void {
  try {
    if (!statSync(path).isFile()) throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
  } catch (error) {
    throw unreadableFile(path, error);
  }
}

export async function checkSource(options: SourceOptions): Promise<SourceCheck> {
  let readings = 0;
  const counts = createCounts();
  const devices = new Set<string>();
  for await (const rows of readSource(options, counts, devices)) readings += rows.length;
  if (readings === 0 && counts.foreign > 0) {
    const named = [...devices].slice(0, 5).join(', ');
    throw new Failure(`${options.file} holds no rows of ${options.device}, only of: ${named}${devices.size > 5 ? ', …' : ''}`);
  }
  if (readings === 0) throw new Failure(`${options.file} holds no readings`);
  const { empty, foreign, skipped } = counts;
  return { readings, empty, foreign, ...(skipped.size > 0 && { skipped }) };
}

/** The readings, some rows at a time. Throws a `Failure` that names the line of what cannot be sent. */
export async function* readSource(
  options: SourceOptions,
  counts = createCounts(),
  devices = new Set<string>(),
): AsyncGenerator<ReplayRow[]> {
  if (isNmeaLog(options.file)) {
    yield* readNmeaLog(options.file, counts.skipped);
    return;
  }
  if (isCapture(options.file)) {
    for await (const rows of readCaptureRows(options.file, counts.skipped)) yield rows.map(withTime);
    return;
  }
  const csv = createCsvReader();
  let columns: Columns | null = null;
  const take = (rows: readonly CsvRow[]): ReplayRow[] => {
    const readings: ReplayRow[] = [];
    for (const row of rows) {
      if (!columns) {
        columns = readHeader(row, options);
        continue;
      }
      const reading = readRow(row, columns, options);
      if (reading === 'empty') counts.empty++;
      else if (typeof reading === 'string') {
        counts.foreign++;
        if (devices.size < 100) devices.add(reading.slice(1));
      } else readings.push(reading);
    }
    return readings;
  };
  try {
    for await (const piece of createReadStream(options.file, { encoding: 'utf8', highWaterMark: 256 * 1024 }))
      yield take(csv.push(piece as string));
    yield take(csv.end());
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw (error as NodeJS.ErrnoException).code
      ? unreadableFile(options.file, error)
      : new Failure(`${options.file}: ${(error as Error).message}`);
  }
}

function createCounts() {
  return { empty: 0, foreign: 0, skipped: new Map<string, number>() };
}

interface Columns {
  readonly time: number;
  readonly isMillis: boolean;
  readonly value: number;
  readonly device: number;
  readonly metric: number;
  readonly unit: number;
}

function readHeader(row: CsvRow, { file }: SourceOptions): Columns {
  const names = row.cells.map((cell) => cell.trim().toLowerCase());
  const timeName = TIME_COLUMNS.find((name) => names.includes(name));
  const value = names.indexOf('value');
  if (timeName === undefined || value < 0) {
    throw new Failure(`${file}: the first line has to name the columns, of which value and one of ${TIME_COLUMNS.join(', ')} are needed`);
  }
  const [device, metric, unit] = ['device', 'metric', 'unit'].map((name) => names.indexOf(name)) as [number, number, number];
  return { time: names.indexOf(timeName), isMillis: timeName === 'time_ms', value, device, metric, unit };
}

/** A reading, `empty`, or `@` and the device whose row it is. */
function readRow(row: CsvRow, columns: Columns, options: SourceOptions): ReplayRow | string {
  const { cells } = row;
  const device = cells[columns.device] ?? '';
  if (device !== '' && device !== options.device) return `@${device}`;
  const bad = (what: string) => new Failure(`${options.file}, line ${row.line}: ${what}`);

  const text = cells[columns.value] ?? '';
  const isText = row.quoted[columns.value] === true;
  if (!isText && NO_VALUE.test(text)) return 'empty';
  const timeText = cells[columns.time] ?? '';
  const timeUs = columns.isMillis ? parseMillisUs(timeText) : parseTimeUs(timeText);
  if (timeUs === null) throw bad(`«${timeText.slice(0, 40)}» is no time like 2013-12-02 21:15:00`);
  if (timeUs < RELATIVE_BELOW_US)
    throw bad(`${timeText.slice(0, 40)} cannot be sent: SenML takes times before July 1978 for relative ones`);

  const unit = cells[columns.unit] || options.unit;
  const n = cells[columns.metric] || options.metric || metricOf(options.file);
  const named = unit ? { n, u: unit } : { n };
  const timed = { ...named, ...senmlTime(timeUs) };
  if (isText) return { timeUs, record: { ...timed, vs: unguarded(text) } };
  if (NUMBER.test(text)) {
    const v = Number(text);
    if (!Number.isFinite(v)) throw bad(`${text.slice(0, 40)} is beyond what a double can hold`);
    return { timeUs, record: { ...timed, v } };
  }
  if (text === 'true' || text === 'false') return { timeUs, record: { ...timed, vb: text === 'true' } };
  return { timeUs, record: { ...timed, vs: unguarded(text) } };
}

/** Exports guard text that a spreadsheet could take for a formula with an apostrophe. */
function unguarded(text: string): string {
  return /^'+[=+\-@\t]/.test(text) ? text.slice(1) : text;
}

function withTime({ timeUs, record }: ReplayRow): ReplayRow {
  return record.t === undefined ? { timeUs, record: { ...record, ...senmlTime(timeUs) } } : { timeUs, record };
}

/** Seconds that give exactly these microseconds back; far in the future that takes a base time for the whole seconds. */
export function senmlTime(timeUs: number): { readonly t: number; readonly bt?: number } {
  const t = timeUs / 1e6;
  if (Math.round(t * 1e6) === timeUs) return { t };
  const bt = Math.floor(timeUs / 1e6);
  return { bt, t: (timeUs - bt * 1e6) / 1e6 };
}

/** A base time reaches over the records after it: where one of a frame has it, all say theirs. */
export function withOwnBase(records: readonly SenmlRecord[]): readonly SenmlRecord[] {
  if (!records.some((record) => record.bt !== undefined)) return records;
  return records.map((record) => (record.bt === undefined ? { ...record, bt: 0 } : record));
}

/** machine_temperature.csv → machine_temperature, in the characters that a metric may have. */
function metricOf(file: string): string {
  const name = basename(file)
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9:./_-]/g, '_');
  return name.replace(/^[^A-Za-z0-9]+/, '').slice(0, 128) || 'value';
}
