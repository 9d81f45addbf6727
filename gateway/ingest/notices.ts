// What a device's data make worth telling, as events, at most one an hour of each kind and metric where it would repeat.

import type { EventType } from '../protocol/event-types.ts';
import type { Batcher } from './batcher.ts';

export interface Notices {
  unitChanged(metric: string, from: string, to: string): void;
  clockSuspect(metric: string, timeUs: number): void;
  storeWentBack(stream: string, deviceAcked: number, acked: number): void;
  /** A message whose bytes are gone; `expected` where a stream is open. */
  frameRefused(refused: { code: number; reason: string; bytes: number; expected?: number }): void;
}

const HOUR_US = 3_600_000_000;

/** Each device's notices, kept over its connections: reconnecting must not make it talk more. */
export function createNoticeBoard(batcher: Batcher, nowUs: () => number): (device: string) => Notices {
  const boards = new Map<string, Notices>();
  return (device) => {
    let notices = boards.get(device);
    if (notices === undefined) {
      notices = createNotices(batcher, device, nowUs);
      boards.set(device, notices);
    }
    return notices;
  };
}

function createNotices(batcher: Batcher, device: string, nowUs: () => number): Notices {
  const toldAtUs = new Map<string, number>();
  const tell = (type: EventType, reason: string, detail: object): void => {
    batcher.addEvent({ atUs: nowUs(), device, type, reason, detail: JSON.stringify(detail) });
  };
  const isDue = (what: string): boolean => {
    const now = nowUs();
    const last = toldAtUs.get(what);
    // a clock that went back must not silence it for long
    if (last !== undefined && now >= last && now - last < HOUR_US) return false;
    toldAtUs.set(what, now);
    return true;
  };
  return {
    unitChanged(metric, from, to) {
      if (isDue(`unit ${metric}`)) tell('unit-changed', metric, { metric, from, to });
    },
    clockSuspect(metric, timeUs) {
      if (!isDue('clock')) return;
      const now = nowUs();
      const offsetSeconds = Math.round((timeUs - now) / 1e6);
      tell('clock-suspect', timeUs < now ? 'behind' : 'ahead', { metric, timeMs: timeUs / 1000, offsetSeconds });
    },
    frameRefused: ({ reason, ...detail }) => tell('frame-refused', reason, detail),
    storeWentBack: (stream, deviceAcked, acked) => tell('store-went-back', 'device-ahead', { stream, deviceAcked, acked }),
  };
}
