// How often each device tells something: the median of its last intervals, learnt from what is committed. So a page that was just opened
// knows at once who is late. Times in ms, on the gateway's clock.

import type { Batch, Catalogue as StoredCatalogue } from '../storage/store.ts';

export interface Rhythms {
  /** When the device's newest reading came; 0: none has. */
  lastReadingMs(device: string): number;
  /** The median of its last intervals, or of all there is of its history; null while there are not two. */
  intervalMs(device: string): number | null;
  /** After a commit. `unrelayed` marks readings that somebody imported: they are not the device's doing. */
  take(batch: Batch, unrelayed: Uint8Array | null): void;
  forget(device: string): void;
}
export interface RhythmsOptions {
  readonly stored: StoredCatalogue;
  /** Undefined: the number is not known. */
  readonly deviceOf: (series: number) => string | undefined;
}

const KEPT = 32;
/** Readings closer than this came together. */
const BURST_MS = 50;
/** Readings older than this when they come were kept back: their times still tell the rhythm, their arrival does not. */
const BACKLOG_MS = 600_000;

interface Told {
  readonly intervals: Float64Array;
  count: number;
  medianMs: number | null;
  /** Of the newest reading that counted. */
  timeMs: number;
  arrivedMs: number;
  lastReadingMs: number;
  /** From history, for the time until intervals were seen. */
  historyMs: number | null;
}

export function createRhythms({ stored, deviceOf }: RhythmsOptions): Rhythms {
  const devices = new Map<string, Told>();
  for (const { device, count, firstUs, lastUs, latestRankUs } of stored.series) {
    if (count === 0) continue;
    const told = of(device);
    told.lastReadingMs = Math.max(told.lastReadingMs, latestRankUs / 1000);
    if (count < 3 || lastUs <= firstUs) continue;
    // of the busiest series; what was a break in it makes it look slower than it is, until two readings have come
    const meanMs = (lastUs - firstUs) / 1000 / (count - 1);
    told.historyMs = Math.min(told.historyMs ?? Number.POSITIVE_INFINITY, meanMs);
  }
  // no later than when something came from the device at all: a clock that is ahead says nothing of when
  const used = new Map<string, number>();
  for (const { device, stream, lastUsedAtUs } of stored.streams)
    if (!stream.startsWith('~import-')) used.set(device, Math.max(used.get(device) ?? 0, lastUsedAtUs / 1000));
  for (const [device, told] of devices) told.lastReadingMs = Math.min(told.lastReadingMs, used.get(device) ?? Number.POSITIVE_INFINITY);

  function of(device: string): Told {
    let told = devices.get(device);
    if (told === undefined) {
      told = {
        intervals: new Float64Array(KEPT),
        count: 0,
        medianMs: null,
        timeMs: Number.NEGATIVE_INFINITY,
        arrivedMs: 0,
        lastReadingMs: 0,
        historyMs: null,
      };
      devices.set(device, told);
    }
    return told;
  }

  function hear(told: Told, timeMs: number, receivedMs: number): void {
    told.lastReadingMs = receivedMs;
    const sinceTimeMs = timeMs - told.timeMs;
    if (told.arrivedMs > 0) {
      // by its own clock where that goes on; a clock that stands still, or is set back, leaves the arrival
      let intervalMs = sinceTimeMs;
      if (sinceTimeMs <= BURST_MS) intervalMs = receivedMs - timeMs > BACKLOG_MS && timeMs < told.timeMs ? 0 : receivedMs - told.arrivedMs;
      if (intervalMs <= BURST_MS) return;
      told.intervals[told.count % KEPT] = intervalMs;
      told.count++;
      told.medianMs = null;
    }
    told.timeMs = timeMs;
    told.arrivedMs = receivedMs;
  }

  return {
    lastReadingMs: (device) => devices.get(device)?.lastReadingMs ?? 0,
    intervalMs(device) {
      const told = devices.get(device);
      if (told === undefined) return null;
      if (told.count < 2) return told.historyMs;
      if (told.medianMs === null) {
        const known = told.intervals.slice(0, Math.min(told.count, KEPT)).sort();
        told.medianMs = known[known.length >> 1] as number;
      }
      return told.medianMs;
    },
    take(batch, unrelayed) {
      let i = 0;
      for (let f = 0; f < batch.frames; f++) {
        const first = i;
        i += batch.frameReadings[f] as number;
        if (i === first || unrelayed?.[first] === 1) continue;
        const device = deviceOf(batch.series[first] as number);
        if (device === undefined) continue;
        const receivedMs = (batch.frameReceivedUs[f] as number) / 1000;
        let newestMs = Number.NEGATIVE_INFINITY;
        for (let at = first; at < i; at++) {
          const timeMs = (batch.timeUs[at] as number) / 1000;
          if (timeMs > newestMs) newestMs = timeMs;
        }
        hear(of(device), Math.min(newestMs, receivedMs), receivedMs);
      }
    },
    forget: (device) => void devices.delete(device),
  };
}
