// Readings as files, CSV and NDJSON: page after page as fast as the client takes them, some at once, and never a page for one who left.

import type { Refusal } from '../identity/identity.ts';
import type { SenmlRecord, Value } from '../protocol/messages.ts';
import type { SeriesRow } from '../storage/store.ts';
import type { ApiDeps } from './api-deps.ts';
import { continued, type FoundPage, type PagedQuestion, type Rows, readPage } from './readings-pages.ts';
import { formatTimeUs } from './time-range.ts';

export interface OpenFile {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly headers: Record<string, string>;
}
export type FileQuestion = PagedQuestion & { readonly format: 'json' | 'csv' | 'ndjson' };
export interface Exports {
  /** `isHeadOnly`: the headers are wanted, nothing is read beyond the first page. */
  open(question: FileQuestion, isHeadOnly: boolean): Promise<OpenFile | Refusal>;
}

const PAGE_ROWS = 2000;
/** A client that takes nothing for so long has left without saying so, and others wait for its place. */
const STALL_MS = 60_000;
const CSV_HEADER = 'time,time_ms,device,metric,unit,value\n';

export function createExports(deps: ApiDeps, stallMs = STALL_MS): Exports {
  let running = 0;

  return {
    async open(question, isHeadOnly) {
      if (running >= deps.config.limits.exports) return { refused: 'too-many-exports' };
      running++;
      let isOpen = true;
      const end = (): void => {
        if (isOpen) running--;
        isOpen = false;
      };
      try {
        // The first page is read before the answer begins, so that what cannot be answered still gets a status of its own.
        const first = await readPage(deps, question, PAGE_ROWS);
        if ('refused' in first) {
          end();
          return first;
        }
        const headers = {
          'content-type': question.format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
          'content-disposition': `attachment; filename="readings.${question.format}"`,
        };
        if (!isHeadOnly) return { body: streamOf(textOf(deps, question, first), end, stallMs), headers };
        end();
        return { body: null, headers };
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}

/** Asks for the next piece only when the client took the one before; `end` is called once nothing more will be asked. */
function streamOf(pieces: AsyncGenerator<string>, end: () => void, stallMs: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const finish = (): void => {
    isOver = true;
    clearTimeout(timer);
    end();
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    timer = setTimeout(() => {
      finish();
      controller.error(new Error('the client took nothing'));
    }, stallMs).unref();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(timer);
        try {
          const piece = await pieces.next();
          if (isOver) return;
          if (piece.done) {
            finish();
            controller.close();
            return;
          }
          controller.enqueue(encoder.encode(piece.value));
          watch(controller);
        } catch (error) {
          finish();
          throw error;
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}

async function* textOf(deps: ApiDeps, question: FileQuestion, first: FoundPage): AsyncGenerator<string> {
  const isCsv = question.format === 'csv';
  const write = isCsv ? csvRow : question.choice.isOneDevice ? ndjsonRow : ndjsonRowWithDevice;
  if (isCsv) yield CSV_HEADER;
  for (let found = first; ; ) {
    const text = rowsOf(deps, found.page, write);
    if (text !== '') yield text;
    if (found.next === null) return;
    const page = await readPage(deps, continued(question, found.next), PAGE_ROWS);
    if ('refused' in page) throw new Error(`an export could not go on: ${page.detail}`);
    found = page;
  }
}

type WriteRow = (series: SeriesRow, timeUs: number, value: Value) => string;

function rowsOf(deps: ApiDeps, page: Rows, write: WriteRow): string {
  let text = '';
  for (const [i, id] of page.seriesId.entries()) {
    const series = deps.catalogue.series(id);
    if (series) text += write(series, page.timeUs[i] as number, page.value[i] as Value);
  }
  return text;
}

function csvRow({ device, metric, unit }: SeriesRow, timeUs: number, value: Value): string {
  const cell = typeof value === 'string' ? quotedCell(value) : String(value);
  return `${formatTimeUs(timeUs)},${timeUs / 1000},${textCell(device)},${textCell(metric)},${textCell(unit)},${cell}\n`;
}

/** Names are quoted where they must be; values that are strings always, so that "21.5" and 21.5 stay two things. */
function textCell(text: string): string {
  return /^[\w.][\w.:/ -]*$/.test(text) || text === '' ? text : quotedCell(text);
}

/** A spreadsheet would run a cell that begins like a formula. */
function quotedCell(text: string): string {
  return `"${/^[=+\-@\t]/.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}

function ndjsonRow(series: SeriesRow, timeUs: number, value: Value): string {
  return `${JSON.stringify(senmlOf(series, timeUs, value))}\n`;
}

/** Several devices in one file: a label beside the record says whose it is. */
function ndjsonRowWithDevice(series: SeriesRow, timeUs: number, value: Value): string {
  return `${JSON.stringify({ device: series.device, ...senmlOf(series, timeUs, value) })}\n`;
}

function senmlOf({ metric, unit }: SeriesRow, timeUs: number, value: Value): SenmlRecord {
  const name = unit === '' ? { n: metric } : { n: metric, u: unit };
  const held = typeof value === 'number' ? { v: value } : typeof value === 'boolean' ? { vb: value } : { vs: value };
  return { ...name, ...secondsOf(timeUs), ...held };
}

/** Seconds in a double are exact to the µs until about 2040; after that whole seconds and the rest go apart. */
function secondsOf(timeUs: number): { t: number } | { bt: number; t: number } {
  const seconds = timeUs / 1e6;
  if (Math.round(seconds * 1e6) === timeUs) return { t: seconds };
  const whole = Math.floor(seconds);
  return { bt: whole, t: (timeUs - whole * 1e6) / 1e6 };
}
