// Which stored reading is which sent one. The store need not say: series, time, value and commit order do, and where several readings are
// alike, what was promised is satisfied first.

import type { SentReading } from './sent-readings.ts';
import type { StoredReading } from './stored-device.ts';

/** 3 acknowledged; 2 not, but settled by the store's own books; 1 sent: once or not at all. */
export type Claim = 1 | 2 | 3;

export interface Expected extends SentReading {
  readonly stream: string;
  readonly seq: number;
  /** The frame's, in the order of sending. */
  readonly order: number;
  readonly claim: Claim;
}
export interface Match {
  /** Index into what is stored, for each expected reading; -1: not there. */
  readonly storedOf: Int32Array;
  /** Stored as something else than what was sent. */
  readonly altered: readonly { readonly expected: number; readonly stored: number }[];
  /** Stored once more than sent. */
  readonly doubled: readonly { readonly expected: number; readonly stored: number }[];
  /** Stored, and never sent. */
  readonly phantoms: readonly number[];
}

/** `expected` in the order of sending. */
export function matchReadings(expected: readonly Expected[], stored: readonly StoredReading[]): Match {
  const storedOf = new Int32Array(expected.length).fill(-1);
  const byPlace = inCommitOrder(stored);
  const free = bucket(byPlace, (at) => exactKey(stored[at]!, stored[at]!.timeUs));
  pairExact(expected, free, storedOf);
  pairTimeless(expected, stored, free, storedOf);
  const { doubled, rest } = separateDoubles(expected, stored, byPlace, free);
  const altered = pairAltered(expected, stored, rest, storedOf);
  return { storedOf, altered, doubled, phantoms: [...rest] };
}

type Buckets = Map<string, number[]>;

function exactKey({ metric, unit, value }: SentReading | StoredReading, timeUs: number): string {
  return `${metric}\0${unit}\0${timeUs}\0${typeof value}\0${String(value)}`;
}

function bucket(indexes: Iterable<number>, keyOf: (index: number) => string | null): Buckets {
  const buckets: Buckets = new Map();
  for (const index of indexes) {
    const key = keyOf(index);
    if (key === null) continue;
    const list = buckets.get(key);
    if (list === undefined) buckets.set(key, [index]);
    else list.push(index);
  }
  return buckets;
}

/** What has no position any more is older than what has. */
function inCommitOrder(stored: readonly StoredReading[]): number[] {
  const placeOf = (at: number): number => stored[at]!.position ?? 0;
  return Array.from(stored, (_, at) => at).sort((a, b) => placeOf(a) - placeOf(b) || a - b);
}

/** Takes what it pairs out of `free`. */
function pairExact(expected: readonly Expected[], free: Buckets, storedOf: Int32Array): void {
  const wanted = bucket(expected.keys(), (at) => {
    const { timeUs } = expected[at]!;
    return timeUs === null ? null : exactKey(expected[at]!, timeUs);
  });
  for (const [key, wishes] of wanted) {
    const there = free.get(key);
    if (there === undefined) continue;
    const chosen =
      wishes.length <= there.length
        ? wishes
        : wishes.toSorted((a, b) => expected[b]!.claim - expected[a]!.claim || a - b).slice(0, there.length);
    chosen.sort((a, b) => a - b);
    for (const [i, at] of chosen.entries()) storedOf[at] = there[i]!;
    if (there.length === chosen.length) free.delete(key);
    else free.set(key, there.slice(chosen.length));
  }
}

/** Readings that the gateway gave their time: by series and value, in commit order. */
function pairTimeless(expected: readonly Expected[], stored: readonly StoredReading[], free: Buckets, storedOf: Int32Array): void {
  const timeless = Array.from(expected.keys()).filter((at) => expected[at]!.timeUs === null);
  if (timeless.length === 0) return;
  const left = [...free.values()].flat();
  const placed = new Set(left);
  const byValue = bucket(
    inCommitOrder(stored).filter((at) => placed.has(at)),
    (at) => exactKey(stored[at]!, 0),
  );
  const taken = new Set<number>();
  // Promises first: among alike readings any of them may be the one that is there.
  for (const claim of [3, 2, 1] as const) {
    for (const at of timeless) {
      if (expected[at]!.claim !== claim) continue;
      const there = byValue.get(exactKey(expected[at]!, 0))?.shift();
      if (there === undefined) continue;
      storedOf[at] = there;
      taken.add(there);
    }
  }
  for (const [key, list] of free) {
    const kept = list.filter((at) => !taken.has(at));
    if (kept.length === 0) free.delete(key);
    else free.set(key, kept);
  }
}

/** What is left and like a reading that was sent is a double; `rest` has what is like nothing. */
function separateDoubles(expected: readonly Expected[], stored: readonly StoredReading[], byPlace: readonly number[], free: Buckets) {
  const doubled: { expected: number; stored: number }[] = [];
  const rest = new Set<number>();
  if (free.size === 0) return { doubled, rest };
  const left = new Set([...free.values()].flat());
  const wanted = new Map<string, number>();
  for (const [at, reading] of expected.entries()) if (reading.timeUs !== null) wanted.set(exactKey(reading, reading.timeUs), at);
  for (const at of byPlace) {
    if (!left.has(at)) continue;
    const like = wanted.get(exactKey(stored[at]!, stored[at]!.timeUs));
    if (like === undefined) rest.add(at);
    else doubled.push({ expected: like, stored: at });
  }
  return { doubled, rest };
}

/** A missing reading and a foreign one that differ in one thing only, value, unit or time, are one altered reading. */
function pairAltered(expected: readonly Expected[], stored: readonly StoredReading[], rest: Set<number>, storedOf: Int32Array) {
  const altered: { expected: number; stored: number }[] = [];
  const likenesses: readonly ((reading: SentReading | StoredReading) => string)[] = [
    ({ metric, unit, timeUs }) => `${metric}\0${unit}\0${String(timeUs)}`,
    ({ metric, timeUs, value }) => `${metric}\0${String(timeUs)}\0${typeof value}\0${String(value)}`,
    ({ metric, unit, value }) => `${metric}\0${unit}\0${typeof value}\0${String(value)}`,
  ];
  const missing = Array.from(expected.keys()).filter((at) => storedOf[at] === -1);
  missing.sort((a, b) => expected[b]!.claim - expected[a]!.claim || a - b);
  for (const likeness of likenesses) {
    if (rest.size === 0) break;
    const foreign = bucket(rest, (at) => likeness(stored[at]!));
    for (const at of missing) {
      if (storedOf[at] !== -1) continue;
      const there = foreign.get(likeness(expected[at]!))?.shift();
      if (there === undefined) continue;
      storedOf[at] = there;
      rest.delete(there);
      altered.push({ expected: at, stored: there });
    }
  }
  return altered;
}
