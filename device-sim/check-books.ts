// The books of a device's streams, the running totals and the count from the rows, against what its manifest says, to the unit.

import type { Findings } from './findings.ts';
import type { SentDevice, SentStream } from './sent-device.ts';
import type { StoredBook, StoredDevice } from './stored-device.ts';
import type { JudgedFrame } from './verify-device.ts';

type Sums = Record<'stored' | 'quarantined' | 'gaps' | 'readings' | 'refused', number>;

const SOURCES = [
  ['books', 'in its books'],
  ['recount', 'counted from its rows'],
] as const;

export function checkBooks(sent: SentDevice, stored: StoredDevice, frames: readonly JudgedFrame[], findings: Findings): void {
  const framesOf = Map.groupBy(frames, (judged) => judged.stream.name);
  for (const [source, where] of SOURCES) {
    const books = new Map(stored[source].map((book) => [book.stream, book]));
    for (const stream of sent.streams.values()) {
      const book = books.get(stream.name) ?? emptyBook(stream.name);
      const differ = (what: string, here: number, gateway: number): void => {
        const sentence = `${what}: ${here} by the manifest, ${gateway} ${where}`;
        const place = { stream: stream.name, seq: null, index: null, timeUs: null };
        if (here !== gateway) findings.bad('unexplained', { ...place, what: sentence }, Math.abs(here - gateway));
      };
      const own = framesOf.get(stream.name) ?? [];
      if (stream.isNumbered) checkNumbered(stream, book, own, differ);
      else checkReserved(book, own, differ);
      differ('unexplained', 0, book.unexplained);
      differ('settled', book.stored + book.quarantined + book.gaps, book.settled);
    }
    for (const book of books.values()) {
      if (sent.streams.has(book.stream) || book.settled === 0) continue;
      const what = `a stream that was never used, with ${book.settled} frames settled ${where}`;
      findings.bad('unexplained', { stream: book.stream, seq: null, index: null, timeUs: null, what }, book.settled);
    }
  }
  checkGaps(stored, frames, findings);
}

type Differ = (what: string, here: number, gateway: number) => void;

/** Every seq up to the gateway's mark is one frame that was sent, or in a gap. Of acks some may not have arrived, so the mark may be ahead. */
function checkNumbered(stream: SentStream, book: StoredBook, frames: readonly JudgedFrame[], differ: Differ): void {
  differ('acked', Math.min(Math.max(book.acked, stream.acked), Math.max(stream.highest, stream.acked)), book.acked);
  const sums: Sums = { stored: 0, quarantined: 0, gaps: 0, readings: 0, refused: 0 };
  let inPlace = 0;
  for (const judged of frames) {
    if (judged.frame.seq > book.acked) continue;
    if (judged.isOpen && judged.found === 0 && judged.refusals === 0) continue;
    inPlace++;
    count(judged, sums);
  }
  sums.gaps = Math.min(book.acked, Math.max(stream.highest, stream.acked)) - inPlace;
  const declared = coveredBy([...stream.gaps, ...stream.open], book.acked);
  for (const what of ['stored', 'quarantined', 'gaps', 'readings', 'refused'] as const) differ(what, sums[what], book[what]);
  // What is neither a frame nor declared was left out by the device: then the gateway may not have gone past it.
  if (sums.gaps > declared) differ('frames that were neither sent nor declared lost', 0, sums.gaps - declared);
}

/** Frames without numbers: what was answered must be in the books, what was not may be. */
function checkReserved(book: StoredBook, frames: readonly JudgedFrame[], differ: Differ): void {
  const least: Sums = { stored: 0, quarantined: 0, gaps: 0, readings: 0, refused: 0 };
  const most = { ...least };
  for (const judged of frames) {
    count(judged, most);
    if (judged.claim === 3) count(judged, least);
  }
  const isAllAnswered = frames.every((judged) => judged.claim === 3);
  for (const what of ['readings', 'refused'] as const) {
    // Unanswered packs may hold records that would be refused: how many, only their answer could have told.
    const end = isAllAnswered ? most[what] : what === 'readings' ? most[what] : Number.POSITIVE_INFINITY;
    differ(what, Math.min(Math.max(book[what], least[what]), end), book[what]);
  }
}

function count({ frame, refused, refusals }: JudgedFrame, sums: Sums): void {
  const good = refused === 'whole' ? 0 : (frame.readings ?? []).filter((reading) => !refused.has(reading.index)).length;
  if (good > 0) sums.stored++;
  else sums.quarantined++;
  sums.readings += good;
  sums.refused += refusals;
}

/** How many seqs up to `last` the ranges cover. */
function coveredBy(ranges: readonly { readonly from: number; readonly to: number }[], last: number): number {
  let covered = 0;
  let end = 0;
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const first = Math.max(from, end + 1);
    const until = Math.min(to, last);
    if (until < first) continue;
    covered += until - first + 1;
    end = until;
  }
  return covered;
}

function checkGaps(stored: StoredDevice, frames: readonly JudgedFrame[], findings: Findings): void {
  for (const gap of stored.gaps ?? []) {
    for (const { stream, frame, claim, isOpen } of frames) {
      if (stream.name !== gap.stream || isOpen || claim === 1 || frame.seq < gap.from || frame.seq > gap.to) continue;
      const what = 'registered as a gap, though its frame was sent and settled';
      findings.bad('unexplained', { stream: stream.name, seq: frame.seq, index: null, timeUs: null, what });
    }
  }
}

function emptyBook(stream: string): StoredBook {
  return { stream, acked: 0, settled: 0, stored: 0, quarantined: 0, gaps: 0, unexplained: 0, readings: 0, refused: 0 };
}
