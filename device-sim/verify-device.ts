// The oracle: a device's manifest against what a store has of it. Pure, so that fault suites can ask about a file that no gateway opened.

import { checkBooks } from './check-books.ts';
import { type Counts, createFindings, type Example, type Findings } from './findings.ts';
import { type Claim, type Expected, matchReadings } from './match-readings.ts';
import { isAcked, isAnswered, isGivenUp, isOpen, type SentDevice, type SentFrame, type SentStream } from './sent-device.ts';
import type { StoredBook, StoredDevice, StoredReading } from './stored-device.ts';

export interface DeviceVerdict {
  readonly device: string;
  /** `ok` counts readings that are there as they should be, and refused records that are in quarantine. */
  readonly counts: Counts;
  /** The first ten of each bad verdict. */
  readonly examples: readonly Example[];
}

/** A frame that can have been taken, and what is known of its fate. */
export interface JudgedFrame {
  readonly stream: SentStream;
  readonly frame: SentFrame;
  readonly claim: Claim;
  /** Refused in whole, or the indexes that were. */
  readonly refused: 'whole' | ReadonlySet<number>;
  readonly refusals: number;
  /** How many of its readings are in the store; counted after matching. */
  found: number;
  /** A gap may stand in its place, and nobody but the gateway knows. */
  readonly isOpen: boolean;
}

export function verifyDevice(sent: SentDevice, stored: StoredDevice): DeviceVerdict {
  const findings = createFindings(sent.device);
  const frames = judgeFrames(sent, stored, findings);
  const expected: Expected[] = [];
  const frameOf: JudgedFrame[] = [];
  for (const judged of frames) {
    const { stream, frame, refused, claim } = judged;
    if (refused === 'whole') continue;
    for (const reading of frame.readings ?? []) {
      if (refused.has(reading.index)) continue;
      expected.push({ ...reading, stream: stream.name, seq: frame.seq, order: frame.order, claim });
      frameOf.push(judged);
    }
  }
  const { storedOf, altered, doubled, phantoms } = matchReadings(expected, stored.readings);
  const isAltered = new Set(altered.map((one) => one.expected));
  for (const [at, reading] of expected.entries()) {
    const { stream, seq, index, timeUs, claim } = reading;
    if (storedOf[at] !== -1) {
      frameOf[at]!.found++;
      if (!isAltered.has(at)) findings.ok(1);
    } else if (claim === 3)
      findings.bad('lost', { stream, seq, index, timeUs, what: `${nameOf(reading)} was acknowledged and is not there` });
    else if (claim === 2) {
      const what = `${nameOf(reading)} is settled in the gateway's books and is not there`;
      findings.bad('unexplained', { stream, seq, index, timeUs, what });
    }
  }
  for (const one of altered) {
    const [was, is] = [expected[one.expected]!, stored.readings[one.stored]!];
    const { stream, seq, index, timeUs } = was;
    findings.bad('altered', { stream, seq, index, timeUs, what: `sent ${textOf(was)}, stored ${textOf(is)}` });
  }
  for (const one of doubled) {
    const { stream, seq, index, timeUs } = expected[one.expected]!;
    findings.bad('doubled', { stream, seq, index, timeUs, what: `${textOf(stored.readings[one.stored]!)} is there once more than sent` });
  }
  for (const at of phantoms) {
    const reading = stored.readings[at]!;
    findings.bad('phantom', { stream: '', seq: null, index: null, timeUs: reading.timeUs, what: `${textOf(reading)} was never sent` });
  }
  checkOrder(expected, stored.readings, storedOf, isAltered, findings);
  checkBooks(sent, stored, frames, findings);
  return { device: sent.device, counts: findings.counts, examples: findings.examples };
}

/** In the order of sending. */
function judgeFrames(sent: SentDevice, stored: StoredDevice, findings: Findings): JudgedFrame[] {
  const books = new Map(stored.books.map((book) => [book.stream, book]));
  const quarantine = new Map<string, (number | null)[]>();
  for (const { stream, seq, index } of stored.quarantine) {
    if (seq === 0) continue;
    const key = `${stream} ${seq}`;
    const list = quarantine.get(key);
    if (list === undefined) quarantine.set(key, [index]);
    else list.push(index);
  }
  const frames: JudgedFrame[] = [];
  for (const stream of sent.streams.values()) {
    const { evicted = 0, discarded = 0 } = books.get(stream.name) ?? {};
    const store = { gone: evicted + discarded, isTellingGaps: stored.gaps !== undefined };
    for (const frame of stream.frames.values()) {
      if (stream.isNumbered && (isGivenUp(stream, frame) || (isOpen(stream, frame) && isInGap(stored, stream, frame)))) continue;
      const key = `${stream.name} ${frame.seq}`;
      const kept = stream.isNumbered ? (quarantine.get(key) ?? []) : [];
      quarantine.delete(key);
      frames.push(judge(stream, frame, books.get(stream.name), kept, store, findings));
    }
  }
  for (const [key, indexes] of quarantine) {
    const [stream = '', seq] = key.split(' ');
    if (stream.startsWith('~') && sent.streams.has(stream)) continue;
    const what = 'in quarantine, though no such frame was sent';
    for (const index of indexes) findings.bad('phantom', { stream, seq: Number(seq), index, timeUs: null, what });
  }
  return frames.sort((a, b) => a.frame.order - b.frame.order);
}

function isInGap({ gaps = [] }: StoredDevice, stream: SentStream, { seq }: SentFrame): boolean {
  return gaps.some((gap) => gap.stream === stream.name && seq >= gap.from && seq <= gap.to);
}

function judge(
  stream: SentStream,
  frame: SentFrame,
  book: StoredBook | undefined,
  kept: readonly (number | null)[],
  store: { gone: number; readonly isTellingGaps: boolean },
  findings: Findings,
): JudgedFrame {
  const place = { stream: stream.name, seq: frame.seq, timeUs: null };
  const isAmbiguous = isOpen(stream, frame) && !store.isTellingGaps;
  const isSettled = stream.isNumbered && frame.seq <= (book?.acked ?? 0);
  const claim: Claim = isAmbiguous ? 1 : isAcked(stream, frame) ? 3 : isSettled ? 2 : 1;
  const told = (frame.faults ?? []).map((fault) => fault.index ?? null);
  if (stream.isNumbered) {
    for (const index of told) {
      const times = kept.filter((one) => one === index).length;
      // What was evicted or discarded is not there by right, and the books say how much that is.
      if (times === 1 || (times === 0 && store.gone-- > 0)) findings.ok(1);
      else if (times === 0) findings.bad('lost', { ...place, index, what: 'refused, and not in quarantine' });
      else findings.bad('doubled', { ...place, index, what: `refused once, and in quarantine ${times} times` }, times - 1);
    }
    const isTold = isAnswered(stream, frame);
    for (const index of new Set(kept)) {
      if (told.includes(index)) continue;
      if (isTold) findings.bad('unexplained', { ...place, index, what: 'in quarantine, and the device was told nothing' });
      else findings.ok(1);
    }
  }
  const indexes = [...new Set([...told, ...kept])];
  const isWhole = indexes.includes(null) || frame.readings === null;
  const refused = isWhole ? 'whole' : new Set(indexes as number[]);
  return { stream, frame, claim, refused, refusals: isWhole ? 1 : indexes.length, found: 0, isOpen: isAmbiguous };
}

/** Within a stream, commit order is the order of seq and index: counts the readings that stand before their predecessor. */
function checkOrder(
  expected: readonly Expected[],
  stored: readonly StoredReading[],
  storedOf: Int32Array,
  isAltered: ReadonlySet<number>,
  findings: Findings,
): void {
  const last = new Map<string, { readonly reading: Expected; readonly position: number }>();
  const inOrder = Array.from(expected.keys()).sort(
    (a, b) => expected[a]!.seq - expected[b]!.seq || expected[a]!.order - expected[b]!.order || expected[a]!.index - expected[b]!.index,
  );
  for (const at of inOrder) {
    const reading = expected[at]!;
    const position = storedOf[at] === -1 || isAltered.has(at) ? null : stored[storedOf[at]!]!.position;
    if (position === null) continue;
    const before = last.get(reading.stream);
    if (before !== undefined && position < before.position) {
      const { stream, seq, index, timeUs } = reading;
      const what = `${nameOf(reading)} was committed before seq ${before.reading.seq} index ${before.reading.index}, which was sent earlier`;
      findings.ok(-1);
      findings.bad('misordered', { stream, seq, index, timeUs, what });
    }
    last.set(reading.stream, { reading, position });
  }
}

function nameOf({ metric, unit }: { readonly metric: string; readonly unit: string }): string {
  return unit === '' ? metric : `${metric} (${unit})`;
}

function textOf(reading: {
  readonly metric: string;
  readonly unit: string;
  readonly timeUs: number | null;
  readonly value: unknown;
}): string {
  const time = reading.timeUs === null ? 'the time of receipt' : `${reading.timeUs / 1000} ms`;
  return `${nameOf(reading)} ${JSON.stringify(reading.value)} at ${time}`;
}
