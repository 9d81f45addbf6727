// One timer for a whole fleet: what is due later waits in the slot of its tick. Precise to a tick, which is all that waits of seconds need.

import type { Clock, Timer } from '../gateway/protocol/device-socket.ts';

const TICK_MS = 25;
const SLOTS = 1024;

interface Waiting {
  readonly dueTick: number;
  run: (() => void) | null;
}

export interface TimerWheel extends Clock {
  close(): void;
}

export function createTimerWheel(nowMs: () => number = () => performance.now()): TimerWheel {
  const startMs = nowMs();
  const slots: Waiting[][] = Array.from({ length: SLOTS }, () => []);
  let tick = 0;

  function turn(): void {
    const nowTick = Math.floor((nowMs() - startMs) / TICK_MS);
    // After a standstill one round visits every slot: no need for more.
    if (nowTick - tick > SLOTS) tick = nowTick - SLOTS;
    while (tick < nowTick) {
      tick++;
      const slot = slots[tick % SLOTS]!;
      if (slot.length > 0) visit(slot, nowTick);
    }
  }

  function visit(slot: Waiting[], nowTick: number): void {
    const due = slot.filter((waiting) => waiting.dueTick <= nowTick);
    const later = slot.filter((waiting) => waiting.dueTick > nowTick && waiting.run !== null);
    slot.length = 0;
    slot.push(...later);
    // Last, because what runs may wait again in the same slot.
    for (const waiting of due) waiting.run?.();
  }

  const interval = setInterval(turn, TICK_MS);
  return {
    nowMs,
    after(delayMs, run): Timer {
      const dueTick = Math.max(tick + 1, Math.ceil((nowMs() - startMs + delayMs) / TICK_MS));
      const waiting: Waiting = { dueTick, run };
      slots[dueTick % SLOTS]!.push(waiting);
      return {
        cancel() {
          waiting.run = null;
        },
      };
    },
    close() {
      clearInterval(interval);
    },
  };
}
