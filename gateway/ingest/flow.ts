// When the gateway stops reading its devices: all of them while the store can't take anything, the heaviest while too much is in memory.
// Nothing is dropped and nobody is closed for it; TCP tells the device.

import type { CounterFamily } from '../observe.ts';

/** Somebody whose frames are in memory: read, and their fate not yet on disk. */
export interface Flowing {
  readonly inFlightBytes: number;
  /** Stops reading for this reason, or goes on; each may be called twice. */
  hold(reason: HoldReason): void;
  release(reason: HoldReason): void;
}
export type HoldReason = 'window' | 'rate' | 'budget' | 'store';

export interface Flow {
  enter(flowing: Flowing): void;
  leave(flowing: Flowing): void;
  /** So many bytes more are in memory, or (below 0) fewer. */
  add(bytes: number): void;
  /** Nobody is read, and who comes neither, until `releaseAll`. */
  holdAll(): void;
  releaseAll(): void;
  readonly isHeld: boolean;
  readonly isFull: boolean;
  readonly inFlightBytes: number;
}

/** Above this share of the budget the heaviest are held, down to the other they are let go. */
const HOLD_ABOVE = 0.8;
const RELEASE_BELOW = 0.5;
/** Whom to hold is looked at anew when so much more has come in, not with every frame. */
const LOOK_EVERY = 0.02;

/**
 * `budget` stops a socket and nothing else: what is in memory already goes on to the disk, so that the sum falls whatever is held. Who
 * is held for it is let go again when the sum is low; that always comes, since nothing in memory waits for a release.
 */
export function createFlow({ budgetBytes, holds }: { budgetBytes: number; holds: CounterFamily }): Flow {
  const everybody = new Set<Flowing>();
  const held = new Set<Flowing>();
  const holdAbove = budgetBytes * HOLD_ABOVE;
  const releaseBelow = budgetBytes * RELEASE_BELOW;
  const lookEvery = budgetBytes * LOOK_EVERY;
  let total = 0;
  let nextLook = holdAbove;
  let isHeld = false;

  function hold(flowing: Flowing): void {
    if (held.has(flowing)) return;
    held.add(flowing);
    holds.add('budget');
    flowing.hold('budget');
  }
  /** Everybody with an average share or more: a few flooders, or all when all are alike. */
  function holdHeaviest(): void {
    const busy = [...everybody].filter((flowing) => flowing.inFlightBytes > 0 && !held.has(flowing));
    const average = busy.reduce((sum, flowing) => sum + flowing.inFlightBytes, 0) / busy.length;
    for (const flowing of busy) if (flowing.inFlightBytes >= average) hold(flowing);
  }

  return {
    enter(flowing) {
      everybody.add(flowing);
      if (isHeld) flowing.hold('store');
      if (total > budgetBytes) hold(flowing);
    },
    leave(flowing) {
      everybody.delete(flowing);
      held.delete(flowing);
    },
    add(bytes) {
      total += bytes;
      if (bytes > 0) {
        if (total <= nextLook) return;
        nextLook = total + lookEvery;
        // each one that is read may bring a socket's buffer more
        if (total > budgetBytes) for (const flowing of everybody) hold(flowing);
        else holdHeaviest();
        return;
      }
      nextLook = Math.max(holdAbove, Math.min(nextLook, total + lookEvery));
      if (held.size === 0 || total > releaseBelow) return;
      const released = [...held];
      held.clear();
      for (const flowing of released) if (!held.has(flowing)) flowing.release('budget');
    },
    holdAll() {
      if (isHeld) return;
      isHeld = true;
      holds.add('store');
      for (const flowing of everybody) flowing.hold('store');
    },
    releaseAll() {
      if (!isHeld) return;
      isHeld = false;
      for (const flowing of [...everybody]) flowing.release('store');
    },
    get isHeld() {
      return isHeld;
    },
    get isFull() {
      return total > budgetBytes;
    },
    get inFlightBytes() {
      return total;
    },
  };
}
