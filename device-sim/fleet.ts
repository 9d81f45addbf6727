// Many devices in one process: connected in turn at a bounded rate, and measuring in turn from one timer.

import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import type { SimDevice } from './device.ts';
import { measure, type Waveform } from './waveforms.ts';

/** A TLS handshake costs either side about a millisecond: more at once would only make each other wait. */
export const CONNECTS_PER_SECOND = 250;
const TICK_MS = 10;

export interface FleetMember {
  readonly device: SimDevice;
  readonly waveforms: readonly Waveform[];
}

export interface Fleet {
  /** Connects everybody, spread at random over the time that the rate asks for. Resolves when the last one has begun. */
  connect(): Promise<void>;
  /** Each device measures `rateHz` times a second from now on, evenly out of step with the others. */
  produce(rateHz: number): void;
  stopProducing(): void;
  readonly unsettled: number;
  close(): void;
}

export function createFleet(members: readonly FleetMember[]): Fleet {
  const count = members.length;
  let connecting: NodeJS.Timeout | undefined;
  let producing: NodeJS.Timeout | undefined;
  let finishConnecting = () => {};

  /** How many readings each member has made, to take its metrics in turn. */
  const made = new Uint32Array(count);

  function measureNext(index: number, timeMs: number): SenmlRecord {
    const { waveforms } = members[index]!;
    return measure(waveforms[made[index]!++ % waveforms.length]!, timeMs);
  }

  return {
    connect() {
      const order = Array.from({ length: count }, (_, index) => ({ index, atMs: (Math.random() * count * 1000) / CONNECTS_PER_SECOND }));
      order.sort((a, b) => a.atMs - b.atMs);
      const startMs = performance.now();
      let next = 0;
      return new Promise((resolve) => {
        finishConnecting = resolve;
        connecting = setInterval(() => {
          const nowMs = performance.now() - startMs;
          while (next < count && order[next]!.atMs <= nowMs) members[order[next++]!.index]!.device.start();
          if (next < count) return;
          clearInterval(connecting);
          resolve();
        }, TICK_MS);
      });
    },

    produce(rateHz) {
      if (rateHz <= 0 || count === 0 || producing) return;
      const perMs = (rateHz * count) / 1000;
      const startedAtMs = performance.now();
      const startTimeMs = Date.now();
      let done = 0;
      producing = setInterval(() => {
        // Reading number n is due n / perMs after the start: the first one at once, or a device that measures rarely would tell late.
        const due = Math.floor((performance.now() - startedAtMs) * perMs) + 1;
        while (done < due) {
          // Reading number `done` belongs to member done mod count; several rounds in one tick share a frame a member.
          const rounds = Math.max(1, Math.floor((due - done) / count));
          const turns = rounds > 1 ? count : Math.min(count, due - done);
          for (let turn = 0; turn < turns; turn++) {
            const index = (done + turn) % count;
            const records: SenmlRecord[] = [];
            for (let round = 0; round < rounds; round++)
              records.push(measureNext(index, startTimeMs + (done + turn + round * count) / perMs));
            members[index]!.device.send(records);
          }
          done += turns * rounds;
        }
      }, TICK_MS);
    },

    stopProducing() {
      clearInterval(producing);
    },

    get unsettled() {
      let sum = 0;
      for (const { device } of members) sum += device.unsettled;
      return sum;
    },

    close() {
      clearInterval(connecting);
      clearInterval(producing);
      finishConnecting();
      for (const { device } of members) device.close();
    },
  };
}
