// Who may bring a body now. A POST waits for its device's rate before its body is read, and what bodies may take in memory is set aside
// before that; who finds no room is told to come again.

import type { Pace } from './pace.ts';

export interface PostPlace {
  /** The request is over; idempotent. */
  leave(): void;
}
export interface PostGate {
  /** Resolves when the device may send again, with room for so many bytes. */
  enter(device: string, bytes: number): Promise<PostPlace | 'busy' | 'draining'>;
  /** From now on nobody comes in, and who waits is turned away. */
  close(): void;
}
export interface PostGateOptions {
  readonly paceOf: (device: string) => Pace;
  /** Of all bodies that are under way. */
  readonly budgetBytes: number;
  readonly nowUs: () => number;
}

/** Requests of one device at once: enough to keep a link busy, too few to fill the house. */
const POSTS_A_DEVICE = 16;

export function createPostGate({ paceOf, budgetBytes, nowUs }: PostGateOptions): PostGate {
  const ofDevice = new Map<string, number>();
  const waiting = new Set<() => void>();
  let reserved = 0;
  let isClosed = false;

  /** Resolves after so long, or when the gate closes. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      waiting.add(go);
    });
  }

  return {
    async enter(device, bytes) {
      if (isClosed) return 'draining';
      const others = ofDevice.get(device) ?? 0;
      if (others >= POSTS_A_DEVICE || (reserved > 0 && reserved + bytes > budgetBytes)) return 'busy';
      ofDevice.set(device, others + 1);
      reserved += bytes;
      let hasLeft = false;
      const place: PostPlace = {
        leave() {
          if (hasLeft) return;
          hasLeft = true;
          reserved -= bytes;
          const rest = (ofDevice.get(device) ?? 1) - 1;
          if (rest === 0) ofDevice.delete(device);
          else ofDevice.set(device, rest);
        },
      };
      const pace = paceOf(device);
      for (let ms = pace.waitMs(nowUs()); ms > 0 && !isClosed; ms = pace.waitMs(nowUs())) await pause(ms);
      if (!isClosed) return place;
      place.leave();
      return 'draining';
    },
    close() {
      isClosed = true;
      for (const go of [...waiting]) go();
    },
  };
}
