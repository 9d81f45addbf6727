// What the long runs have come to so far, over all slices: one JSON file that is replaced as a whole, so that a stopped run loses at most
// the slice that it was in.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Slice } from './suites.ts';

export interface SuiteTotals {
  slices: number;
  hours: number;
  readonly done: Record<string, number>;
  readonly counts: Record<string, number>;
  /** Slices that failed: each has to be explained, and none is ever forgotten here. */
  readonly failures: { readonly seed: string; readonly at: string; readonly faults: readonly string[] }[];
}
export type Totals = Record<string, SuiteTotals>;

const FAULTS_KEPT = 5;
const FAULT_CHARACTERS = 2_000;

export function readTotals(file: string): Totals {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  return JSON.parse(text) as Totals;
}

export function writeTotals(file: string, totals: Totals): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.new`;
  writeFileSync(fresh, `${JSON.stringify(totals, null, 2)}\n`);
  renameSync(fresh, file);
}

export function addSlice(totals: Totals, suite: string, seed: string, slice: Slice, tookMs: number): void {
  const own = (totals[suite] ??= { slices: 0, hours: 0, done: {}, counts: {}, failures: [] });
  own.slices++;
  own.hours += tookMs / 3_600_000;
  for (const [what, count] of Object.entries(slice.done)) own.done[what] = (own.done[what] ?? 0) + count;
  for (const [verdict, count] of Object.entries(slice.counts ?? {})) own.counts[verdict] = (own.counts[verdict] ?? 0) + count;
  if (slice.faults.length === 0) return;
  const faults = slice.faults.slice(0, FAULTS_KEPT).map((fault) => fault.slice(0, FAULT_CHARACTERS));
  own.failures.push({ seed, at: new Date().toISOString(), faults });
}

export function totalsText(totals: Totals): string {
  const lines = Object.entries(totals).map(([name, { slices, hours, done, counts, failures }]) => {
    const numbers = [...Object.entries(done), ...Object.entries(counts)].map(([what, count]) => `${what} ${count.toLocaleString('en')}`);
    return `${name.padEnd(10)} ${slices} slices, ${hours.toFixed(2)} h, ${failures.length} failed · ${numbers.join(' · ')}`;
  });
  return lines.join('\n');
}
