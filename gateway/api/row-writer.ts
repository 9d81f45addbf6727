// Readings as the bytes of CSV or NDJSON, written digit by digit: an export is a million rows a second on the thread that serves devices,
// and strings made of strings cost several times as much.

import type { Value } from '../protocol/messages.ts';
import type { SeriesRow } from '../storage/store.ts';
import type { Rows } from './readings-pages.ts';

export interface RowWriter {
  /** Rows [from, to) of a page, in the order that `order` gives where it is one. */
  write(page: Rows, from: number, to: number, order: Int32Array | null): Uint8Array;
}
export interface RowWriterOptions {
  readonly format: 'csv' | 'ndjson';
  /** NDJSON of several devices says whose a record is. */
  readonly withDevice: boolean;
  readonly series: (id: number) => SeriesRow | undefined;
}

const DAY_MS = 86_400_000;
const FIRST_BYTES = 1024 * 1024;
/** A row without its names and its text: times, a number, punctuation. */
const ROW_BYTES = 128;
/** Decimals that are tried before a number is left to the engine: beyond six they are written with an exponent when they are small. */
const DECIMALS = 6;
const [ZERO, MINUS, DOT, COLON, COMMA, NEWLINE, LETTER_Z, BRACE] = [48, 45, 46, 58, 44, 10, 90, 125] as const;

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const TRUE = ascii('true');
const FALSE = ascii('false');
const LABEL = { time: ascii('"t":'), base: ascii('"bt":'), number: ascii(',"v":'), boolean: ascii(',"vb":'), string: ascii(',"vs":') };

export function createRowWriter({ format, withDevice, series }: RowWriterOptions): RowWriter {
  let out = Buffer.allocUnsafe(FIRST_BYTES);
  let at = 0;
  /** What stands beside the value of each series; null: it is in the catalogue no more. */
  const names: (Uint8Array | null | undefined)[] = [];
  let day = Number.NaN;
  let dayText = ascii('');

  function namesOf(id: number): Uint8Array | null {
    const row = series(id);
    const text = row === undefined ? null : format === 'csv' ? csvNames(row) : ndjsonNames(row, withDevice);
    return (names[id] = text === null ? null : Buffer.from(text));
  }
  function reserve(bytes: number): void {
    if (at + bytes <= out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(out.length * 2, at + bytes));
    out.copy(larger, 0, 0, at);
    out = larger;
  }
  function bytes(text: Uint8Array): void {
    for (let i = 0; i < text.length; i++) out[at++] = text[i] as number;
  }
  function padded(value: number, width: number): void {
    let left = value;
    for (let i = at + width - 1; i >= at; i--) {
      const next = (left / 10) | 0;
      out[i] = ZERO + left - next * 10;
      left = next;
    }
    at += width;
  }
  /** A whole number from 0 to 2^53. */
  function whole(value: number): void {
    if (value >= 1e9) {
      const high = Math.floor(value / 1e9);
      whole(high);
      padded(value - high * 1e9, 9);
      return;
    }
    let width = 1;
    for (let limit = 10; value >= limit; limit *= 10) width++;
    padded(value, width);
  }
  /** `value` / 10^`decimals`, without zeros at the end. */
  function decimal(value: number, decimals: number): void {
    const scale = 10 ** decimals;
    const left = value < 0 ? -value : value;
    if (value < 0) out[at++] = MINUS;
    const high = Math.floor(left / scale);
    let rest = left - high * scale;
    whole(high);
    if (rest === 0) return;
    let width = decimals;
    for (; rest % 10 === 0; width--) rest /= 10;
    out[at++] = DOT;
    padded(rest, width);
  }
  /** As the language writes it: the shortest text that gives the same double back. */
  function number(value: number): void {
    if (Number.isInteger(value) && value < 1e15 && value > -1e15) return decimal(value, 0);
    for (let decimals = 1, scale = 10; decimals <= DECIMALS; decimals++, scale *= 10) {
      const scaled = Math.round(value * scale);
      // of up to 15 digits no two texts are the same double
      if (scaled >= 1e15 || scaled <= -1e15) break;
      if (scaled / scale === value && scaled !== 0) return decimal(scaled, decimals);
    }
    at += out.write(String(value), at, 'latin1');
  }
  function text(value: string): void {
    reserve(value.length * 3 + ROW_BYTES);
    at += out.write(value, at, 'utf8');
  }
  function rfc3339(timeUs: number): void {
    const ms = Math.floor(timeUs / 1000);
    const its = Math.floor(ms / DAY_MS);
    if (its !== day) {
      day = its;
      dayText = ascii(new Date(its * DAY_MS).toISOString().slice(0, 11));
    }
    bytes(dayText);
    let left = ms - its * DAY_MS;
    const hours = (left / 3_600_000) | 0;
    left -= hours * 3_600_000;
    const minutes = (left / 60_000) | 0;
    left -= minutes * 60_000;
    const seconds = (left / 1000) | 0;
    padded(hours, 2);
    out[at++] = COLON;
    padded(minutes, 2);
    out[at++] = COLON;
    padded(seconds, 2);
    out[at++] = DOT;
    padded(left - seconds * 1000, 3);
    const restUs = timeUs - ms * 1000;
    if (restUs !== 0) padded(restUs, 3);
    out[at++] = LETTER_Z;
  }

  function csvRow(its: Uint8Array, timeUs: number, value: Value): void {
    rfc3339(timeUs);
    out[at++] = COMMA;
    decimal(timeUs, 3);
    bytes(its);
    if (typeof value === 'number') number(value);
    else if (typeof value === 'boolean') bytes(value ? TRUE : FALSE);
    else text(quotedCell(value));
    out[at++] = NEWLINE;
  }
  function ndjsonRow(its: Uint8Array, timeUs: number, value: Value): void {
    bytes(its);
    seconds(timeUs);
    if (typeof value === 'number') {
      bytes(LABEL.number);
      number(value);
    } else if (typeof value === 'boolean') {
      bytes(LABEL.boolean);
      bytes(value ? TRUE : FALSE);
    } else {
      bytes(LABEL.string);
      text(JSON.stringify(value));
    }
    out[at++] = BRACE;
    out[at++] = NEWLINE;
  }
  /** Seconds in a double are exact to the µs until about 2040; after that whole seconds and the rest go apart. */
  function seconds(timeUs: number): void {
    if (Math.round((timeUs / 1e6) * 1e6) !== timeUs) {
      const high = Math.floor(timeUs / 1e6);
      bytes(LABEL.base);
      decimal(high, 0);
      out[at++] = COMMA;
      bytes(LABEL.time);
      decimal(timeUs - high * 1e6, 6);
      return;
    }
    bytes(LABEL.time);
    decimal(timeUs, 6);
  }

  const row = format === 'csv' ? csvRow : ndjsonRow;
  return {
    write({ seriesId, timeUs, value }, from, to, order) {
      at = 0;
      for (let i = from; i < to; i++) {
        const r = order === null ? i : (order[i] as number);
        const id = seriesId[r] as number;
        const its = names[id] === undefined ? namesOf(id) : names[id];
        if (its == null) continue;
        reserve(its.length + ROW_BYTES);
        row(its, timeUs[r] as number, value[r] as Value);
      }
      return Uint8Array.prototype.slice.call(out, 0, at);
    },
  };
}

function csvNames({ device, metric, unit }: SeriesRow): string {
  return `,${nameCell(device)},${nameCell(metric)},${nameCell(unit)},`;
}
function ndjsonNames({ device, metric, unit }: SeriesRow, withDevice: boolean): string {
  const names = { ...(withDevice && { device }), n: metric, ...(unit !== '' && { u: unit }) };
  return `${JSON.stringify(names).slice(0, -1)},`;
}

/** Names are quoted where they must be; values that are strings always, so that "21.5" and 21.5 stay two things. */
function nameCell(text: string): string {
  return /^[\w.](?:[\w.:/ -]*[\w.:/-])?$/.test(text) || text === '' ? text : quotedCell(text);
}

/** A spreadsheet would run a cell that begins like a formula: `'` before it. One that looks guarded already is guarded once more. */
function quotedCell(text: string): string {
  return `"${/^'*[=+\-@\t]/.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}
