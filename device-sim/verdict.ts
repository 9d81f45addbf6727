// The end of a run: wait until everything is acknowledged, hold the books against the gateway's, say how it went.

import type { ApiClient } from './api-client.ts';
import { compareBooks, type Difference, fetchAccounting } from './compare.ts';
import type { StreamBook } from './stream-books.ts';

/** Without a single ack for so long, waiting on is of no use. */
export const DRAIN_QUIET_MS = 30_000;
const LOOK_EVERY_MS = 50;

export interface Drain {
  readonly unsettled: () => number;
  /** Nothing more can come: every device was told to stop. */
  readonly isHopeless: () => boolean;
  readonly onLook: (unsettled: number) => void;
  readonly quietMs?: number;
}

/** Resolves with what is still unsettled: 0, or what no ack came for. */
export async function drain({ unsettled, isHopeless, onLook, quietMs = DRAIN_QUIET_MS }: Drain): Promise<number> {
  let lowest = unsettled();
  let changedAtMs = performance.now();
  for (;;) {
    const left = unsettled();
    onLook(left);
    if (left < lowest) {
      lowest = left;
      changedAtMs = performance.now();
    }
    if (left === 0 || isHopeless() || performance.now() - changedAtMs > quietMs) return left;
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
}

export interface Verdict {
  /** Null: not compared. */
  readonly isEqual: boolean | null;
  readonly streams: number;
  readonly differences: readonly Difference[];
}

export interface VerdictOptions {
  readonly api: ApiClient;
  /** An API key that may read accounting; undefined: no comparison. */
  readonly key: string | undefined;
  readonly books: readonly StreamBook[];
  /** Asks for the books of this device alone. */
  readonly device?: string;
}

export async function reachVerdict({ api, key, books, device }: VerdictOptions): Promise<Verdict> {
  if (key === undefined) return { isEqual: null, streams: books.length, differences: [] };
  const differences = compareBooks(books, await fetchAccounting(api, key, { device }));
  return { isEqual: differences.length === 0, streams: books.length, differences };
}

const SHOWN = 10;

export function verdictText({ isEqual, streams, differences }: Verdict, isComparisonWaived: boolean): string {
  if (isEqual === null && isComparisonWaived) return 'not compared with the gateway, as asked (--no-compare)';
  if (isEqual === null) {
    return 'NOT COMPARED: that needs an API key of role viewer in --key-file (npm run -s fieldgate -- key add sim --role viewer); or say --no-compare';
  }
  if (isEqual) return `the gateway's books agree: ${streams} stream${streams === 1 ? '' : 's'}, every ack accounted for`;
  const lines = differences
    .slice(0, SHOWN)
    .map(({ device, stream, what, here, gateway }) => `  ${device} ${stream}: ${what} ${here} here, ${gateway} at the gateway`);
  if (differences.length > SHOWN) lines.push(`  … and ${differences.length - SHOWN} more`);
  return [`THE BOOKS DIFFER in ${differences.length} place${differences.length === 1 ? '' : 's'}:`, ...lines].join('\n');
}
