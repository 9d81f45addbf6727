// What a device's data make worth telling, as events, at most one an hour of each kind and metric where it would repeat.

import type { Batcher } from './batcher.ts';

export interface Notices {
  unitChanged(metric: string, from: string, to: string): void;
  clockSuspect(metric: string, timeUs: number): void;
  storeWentBack(stream: string, deviceAcked: number, acked: number): void;
}

const HOUR_US = 3_600_000_000;

export function createNotices(batcher: Batcher, device: string, nowUs: () => number): Notices {
  let clockToldAtUs = Number.NEGATIVE_INFINITY;
  const tell = (type: string, reason: string, detail: object): void => {
    batcher.addEvent({ atUs: nowUs(), device, type, reason, detail: JSON.stringify(detail) });
  };
  return {
    unitChanged: (metric, from, to) => tell('unit-changed', metric, { metric, from, to }),
    clockSuspect(metric, timeUs) {
      const now = nowUs();
      if (now - clockToldAtUs < HOUR_US) return;
      clockToldAtUs = now;
      tell('clock-suspect', timeUs < now ? 'behind' : 'ahead', {
        metric,
        timeMs: timeUs / 1000,
        offsetSeconds: Math.round((timeUs - now) / 1e6),
      });
    },
    storeWentBack: (stream, deviceAcked, acked) => tell('store-went-back', 'device-ahead', { stream, deviceAcked, acked }),
  };
}
