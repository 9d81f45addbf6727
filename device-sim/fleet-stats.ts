// The numbers of a whole run, as they come: what the progress line shows and the final line says.

import type { BufferEntry } from '../gateway/protocol/send-buffer.ts';
import type { Reject } from '../gateway/protocol/messages.ts';
import { createHistogram } from './histogram.ts';
import { rounded } from './progress.ts';
import { explainFault, type Target } from '../gateway/client/target.ts';

export interface FleetTotals {
  readonly online: number;
  /** Welcomes, the first of each device included. */
  readonly connections: number;
  readonly readingsSent: number;
  readonly readingsAcked: number;
  readonly framesAcked: number;
  readonly recordsRefused: number;
  /** Frames that were lost here and declared. */
  readonly framesLost: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  /** How connections ended, and how often. */
  readonly ends: Readonly<Record<string, number>>;
  /** `error` messages by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** The last connection that could not be made, as a sentence; '' when there was none. */
  readonly lastFault: string;
}

export interface FleetStats {
  online(change: number): void;
  connected(): void;
  sent(readings: number): void;
  acked(entry: BufferEntry): void;
  latency(ms: number): void;
  rejected(reject: Reject): void;
  ended(why: string): void;
  complaint(code: string): void;
  readonly fault: (error: NodeJS.ErrnoException) => void;
  totals(): FleetTotals;
  /** p50 and p99 of what was acked since the call before. */
  recent(): { readonly p50Ms: number; readonly p99Ms: number };
}

export function createFleetStats(target: Target): FleetStats {
  const all = createHistogram();
  const recent = createHistogram();
  const ends: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const sums = { online: 0, connections: 0, readingsSent: 0, readingsAcked: 0, framesAcked: 0, recordsRefused: 0, framesLost: 0 };
  let lastFault = '';
  return {
    online(change) {
      sums.online += change;
    },
    connected() {
      sums.connections++;
    },
    sent(readings) {
      sums.readingsSent += readings;
    },
    acked(entry) {
      if (entry.body === null) sums.framesLost += entry.to - entry.from + 1;
      else {
        sums.framesAcked++;
        sums.readingsAcked += entry.readings;
      }
    },
    latency(ms) {
      all.add(ms);
      recent.add(ms);
    },
    rejected(reject) {
      sums.recordsRefused += reject.errors.length;
    },
    ended(why) {
      ends[why] = (ends[why] ?? 0) + 1;
    },
    complaint(code) {
      errors[code] = (errors[code] ?? 0) + 1;
    },
    fault(error) {
      lastFault = explainFault(target, error).sentence;
    },
    totals: () => ({ ...sums, ackP50Ms: all.percentile(0.5), ackP99Ms: all.percentile(0.99), ends, errors, lastFault }),
    recent() {
      const answer = { p50Ms: recent.percentile(0.5), p99Ms: recent.percentile(0.99) };
      recent.reset();
      return answer;
    },
  };
}

/** For the final line of `--json`; a percentile of nothing is null there. */
export function jsonTotals({ online: _online, ackP50Ms, ackP99Ms, ...totals }: FleetTotals): object {
  return { ...totals, ackP50Ms: rounded(ackP50Ms), ackP99Ms: rounded(ackP99Ms) };
}
