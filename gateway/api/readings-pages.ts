// Readings by the page: one read transaction each, by time or by commit order, and complete up to a position that joins history and live.

import type { RangePage, ReadingsPage, SeriesRow } from '../storage/store.ts';
import type { ApiDeps } from './api-deps.ts';
import { matchSeries, type RangePlace, type ReadingsQuestion, type SeriesChoice } from './readings-query.ts';

/** Readings row by row. */
export type Rows = Pick<RangePage | ReadingsPage, 'seriesId' | 'timeUs' | 'value'>;

export interface FoundPage {
  /** The series that matched, with or without readings in this page. */
  readonly series: readonly SeriesRow[];
  readonly page: Rows;
  /** Where the next page starts, or null after the last. */
  readonly next: RangePlace | number | null;
  /** The position that the answer is complete up to. */
  readonly position: number;
}
export type PageResult = FoundPage | { readonly refused: 'bad-cursor'; readonly detail: string };
export type PagedQuestion = Extract<ReadingsQuestion, { kind: 'range' | 'since' }>;

export async function readPage(deps: ApiDeps, question: PagedQuestion, limit: number): Promise<PageResult> {
  return question.kind === 'range' ? rangePage(deps, question, limit) : sincePage(deps, question, limit);
}

/** The same question from a later place. */
export function continued(question: PagedQuestion, next: RangePlace | number): PagedQuestion {
  if (typeof next === 'number') return { ...question, kind: 'since', position: next };
  return { ...question, kind: 'range', range: next, place: next };
}

/** A fleet that starts makes series all the time; after so many tries the answer is held to what was on disk before. */
const TRIES = 5;

export interface Settled<T> {
  readonly series: readonly SeriesRow[];
  readonly answer: T;
  /** The answer lacks nothing up to here; Infinity when it lacks nothing at all. */
  readonly completeTo: number;
}

/**
 * Asks with the series that match now, and again when one joined meanwhile: a series is in the catalogue before its first reading is on
 * disk, so what an unchanged list gave lacks nothing that was committed.
 */
export async function withSettledSeries<T>(
  deps: ApiDeps,
  choice: SeriesChoice,
  ask: (ids: readonly number[]) => Promise<T>,
): Promise<Settled<T>> {
  for (let tried = 1; ; tried++) {
    const before = deps.catalogue.position;
    const series = matchSeries(deps, choice);
    const answer = await ask(series.map((row) => row.id));
    const isSettled = matchSeries(deps, choice).length === series.length;
    if (isSettled || tried === TRIES) return { series, answer, completeTo: isSettled ? Number.POSITIVE_INFINITY : before };
  }
}

async function rangePage(deps: ApiDeps, question: Extract<PagedQuestion, { kind: 'range' }>, limit: number): Promise<FoundPage> {
  const { range, place, choice } = question;
  const { fromUs, toUs } = range;
  const more = place === null ? {} : { after: place.after, upTo: place.upTo };
  const settled = await withSettledSeries(deps, choice, (series) => deps.store.read('range', { series, fromUs, toUs, limit, ...more }));
  const { series, answer: page, completeTo } = settled;
  const position = Math.min(page.upTo, completeTo);
  const next = page.next === null ? null : { fromUs, toUs, after: page.next, upTo: position };
  return { series, page, next, position };
}

async function sincePage(deps: ApiDeps, question: Extract<PagedQuestion, { kind: 'since' }>, limit: number): Promise<PageResult> {
  const { position: since, choice } = question;
  const settled = await withSettledSeries(deps, choice, (series) => deps.store.since(since, choice.isAll ? null : series, limit));
  const { series, answer } = settled;
  switch (answer.outcome) {
    case 'too-old':
      return { refused: 'bad-cursor', detail: 'it is older than what is kept in commit order; read by time instead' };
    case 'future':
      return { refused: 'bad-cursor', detail: 'it is ahead of this store' };
    case 'page': {
      const page = cutAt(answer.page, choice.isAll ? Number.POSITIVE_INFINITY : Math.max(settled.completeTo, since));
      const position = page.more ? (page.position.at(-1) ?? page.upTo) : page.upTo;
      return { series, page, next: page.more ? position : null, position };
    }
  }
}

/** Only the rows up to a position; the others are for the next page. */
function cutAt(page: ReadingsPage, position: number): ReadingsPage {
  const rows = page.position.findIndex((at) => at > position);
  if (rows < 0) return { ...page, upTo: Math.min(page.upTo, position) };
  const { seriesId, timeUs, value } = page;
  return {
    seriesId: seriesId.slice(0, rows),
    timeUs: timeUs.slice(0, rows),
    value: value.slice(0, rows),
    position: page.position.slice(0, rows),
    more: true,
    upTo: position,
  };
}
