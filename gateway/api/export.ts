// Readings as files, CSV and NDJSON: page after page as fast as the client takes them, some at once, and never a page for one who left.

import { setImmediate as turn } from 'node:timers/promises';
import type { Refusal } from '../identity/identity.ts';
import type { ApiDeps } from './api-deps.ts';
import { continued, type FoundPage, type PagedQuestion, type PageResult, readPage } from './readings-pages.ts';
import { createRowWriter } from './row-writer.ts';

export interface OpenFile {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly headers: Record<string, string>;
}
export type FileQuestion = PagedQuestion & { readonly format: 'json' | 'csv' | 'ndjson' };
export interface Exports {
  /** `isHeadOnly`: the headers are wanted, nothing is read beyond the first page. */
  open(question: FileQuestion, isHeadOnly: boolean): Promise<OpenFile | Refusal>;
}

/** Each page looks through what is not sealed yet, and opens a chunk of every series: large ones do that seldom. */
export const PAGE_ROWS = 65_536;
/** Written without a pause, about 2 ms: devices are waiting. */
const SLICE_ROWS = 8192;
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
        if (!isHeadOnly) return { body: streamOf((hasLeft) => piecesOf(deps, { question, first, hasLeft }), end, stallMs), headers };
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
function streamOf(
  open: (hasLeft: () => boolean) => AsyncGenerator<Uint8Array>,
  end: () => void,
  stallMs: number,
): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const pieces = open(() => isOver);
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
          controller.enqueue(piece.value);
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

interface Wanted {
  readonly question: FileQuestion;
  readonly first: FoundPage;
  readonly hasLeft: () => boolean;
}

async function* piecesOf(deps: ApiDeps, { question, first, hasLeft }: Wanted): AsyncGenerator<Uint8Array> {
  const { format, choice } = question;
  const writer = createRowWriter({
    format: format === 'csv' ? 'csv' : 'ndjson',
    withDevice: !choice.isOneDevice,
    series: deps.catalogue.series,
  });
  if (format === 'csv') yield Buffer.from(CSV_HEADER);
  for (let found: FoundPage | null = first; found !== null; ) {
    const { page } = found;
    const whole: Ordered = { order: null, count: page.seriesId.length, next: found.next };
    const { order, count, next }: Ordered = question.kind === 'range' ? byName(found, whole) : whole;
    // the next page is read while this one is written
    const coming: Promise<PageResult> | null = next === null ? null : readPage(deps, continued(question, next), PAGE_ROWS);
    coming?.catch(() => undefined);
    for (let from = 0; from < count; from += SLICE_ROWS) {
      if (from > 0) await turn();
      const bytes = writer.write(page, from, Math.min(from + SLICE_ROWS, count), order);
      if (bytes.length > 0) yield bytes;
    }
    const result: PageResult | null = await coming;
    if (hasLeft()) return;
    if (result !== null && 'refused' in result) throw new Error(`an export could not go on: ${result.detail}`);
    found = result;
  }
}

interface Ordered {
  /** Null: as they are. */
  readonly order: Int32Array | null;
  /** Rows of this page that are for now; the others come with the next one. */
  readonly count: number;
  readonly next: FoundPage['next'];
}

/**
 * Readings of one time in the order of their names, not of the numbers that a store gives to series: the same readings are the same file,
 * whichever gateway they come from.
 */
function byName({ page, series, next }: FoundPage, whole: Ordered): Ordered {
  const { seriesId, timeUs } = page;
  let count = seriesId.length;
  if (series.length < 2 || count === 0) return whole;
  let after = next;
  if (typeof next === 'object' && next !== null) {
    // the last time may go on in the next page, which then begins with it
    let cut = count - 1;
    while (cut > 0 && timeUs[cut - 1] === timeUs[count - 1]) cut--;
    if (cut > 0) {
      after = { ...next, after: { timeUs: timeUs[cut] as number, series: 0, taken: 0 } };
      count = cut;
    }
  }
  const ranks = new Map(
    series
      .toSorted((a, b) => compare(a.device, b.device) || compare(a.metric, b.metric) || compare(a.unit, b.unit))
      .map((row, rank) => [row.id, rank]),
  );
  const rankOf = (row: number): number => ranks.get(seriesId[row] as number) ?? 0;
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let from = 0, to = 0; from < count; from = to) {
    let isSorted = true;
    for (to = from + 1; to < count && timeUs[to] === timeUs[from]; to++) isSorted &&= rankOf(to - 1) <= rankOf(to);
    // stable: what one series has at one time stays in commit order
    if (!isSorted)
      order.set(
        Array.from(order.subarray(from, to)).sort((a, b) => rankOf(a) - rankOf(b)),
        from,
      );
  }
  return { order, count, next: after };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
