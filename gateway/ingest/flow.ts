// When the gateway stops reading its devices: all of them while the store can't take anything, the heaviest while too much is in flight.
// Nothing is dropped and nobody is closed for it; TCP tells the device.

import type { CounterFamily } from '../observe.ts';

/** Somebody whose frames are in flight: read, and their fate not yet on disk. */
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
  /** Bytes that came in, or whose fate is known. */
  taken(bytes: number): void;
  settled(bytes: number): void;
  /** Nobody is read, and who comes neither, until `releaseAll`. */
  holdAll(): void;
  releaseAll(): void;
  readonly isHeld: boolean;
  readonly inFlightBytes: number;
}

/** Above this share of the budget the heaviest are held, down to the other they are let go. */
const HOLD_ABOVE = 0.8;
const RELEASE_BELOW = 0.5;
/** Whom to hold is looked at anew when so much more has come in, not with every frame. */
const LOOK_EVERY = 0.02;

export function createFlow({ budgetBytes, holds }: { budgetBytes: number; holds: CounterFamily }): Flow {
  const everybody = new Set<Flowing>();
  const held = new Set<Flowing>();
  const holdAbove = budgetBytes * HOLD_ABOVE;
  const releaseBelow = budgetBytes * RELEASE_BELOW;
  let total = 0;
  let nextLook = holdAbove;
  let isHeld = false;

  /** Everybody with an average share or more: a few flooders, or all when all are alike. */
  function holdHeaviest(): void {
    const busy = [...everybody].filter((flowing) => flowing.inFlightBytes > 0 && !held.has(flowing));
    if (busy.length === 0) return;
    const average = busy.reduce((sum, flowing) => sum + flowing.inFlightBytes, 0) / busy.length;
    for (const flowing of busy) {
      if (flowing.inFlightBytes < average) continue;
      held.add(flowing);
      holds.add('budget');
      flowing.hold('budget');
    }
  }

  return {
    enter(flowing) {
      everybody.add(flowing);
      if (isHeld) flowing.hold('store');
    },
    leave(flowing) {
      everybody.delete(flowing);
      held.delete(flowing);
    },
    taken(bytes) {
      total += bytes;
      if (total <= nextLook) return;
      nextLook = total + budgetBytes * LOOK_EVERY;
      holdHeaviest();
    },
    settled(bytes) {
      total -= bytes;
      if (total > releaseBelow) return;
      nextLook = holdAbove;
      if (held.size === 0) return;
      const released = [...held];
      held.clear();
      for (const flowing of released) flowing.release('budget');
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
      for (const flowing of everybody) flowing.release('store');
    },
    get isHeld() {
      return isHeld;
    },
    get inFlightBytes() {
      return total;
    },
  };
}
