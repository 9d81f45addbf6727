// What the metrics of one place have in common: a pump that stands still has no pressure, does not shake and cools; an open door warms a
// cold room. Pure functions of a seed and the time in epoch ms, continuous in time.

import { chance } from './noise.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

export type MachineState = 'idle' | 'running' | 'fault';

export interface Machine {
  state(timeMs: number): MachineState;
  /** 0 at rest … 1 at work, as something follows that takes `upMs` to come and `downMs` to go (time constants). */
  follow(timeMs: number, upMs: number, downMs: number): number;
}

/** How many turns of duty a slow quantity remembers; what is older has decayed to nothing that could be seen. */
const TURNS_BACK = 12;

export function createMachine(seed: number): Machine {
  const turnMs = (14 + 14 * chance(seed, 1)) * MINUTE;
  // Borders off the grid: nothing in a plant happens every 14 minutes sharp.
  const begins = (turn: number) => (turn + 0.5 * (chance(seed ^ 0x17, turn) - 0.5)) * turnMs;
  const turnAt = (timeMs: number) => {
    const turn = Math.floor(timeMs / turnMs);
    if (timeMs < begins(turn)) return turn - 1;
    return timeMs < begins(turn + 1) ? turn : turn + 1;
  };
  const inTurn = (turn: number): MachineState => {
    const draw = chance(seed ^ 0x51, turn);
    return draw < 0.025 ? 'fault' : draw < 0.38 ? 'idle' : 'running';
  };
  const goalOf = (turn: number) => (inTurn(turn) === 'running' ? 1 : 0);
  return {
    state: (timeMs) => inTurn(turnAt(timeMs)),
    follow(timeMs, upMs, downMs) {
      const now = turnAt(timeMs);
      let level = goalOf(now - TURNS_BACK);
      for (let turn = now - TURNS_BACK + 1; turn <= now; turn++) {
        const goal = goalOf(turn);
        const lastedMs = Math.min(timeMs, begins(turn + 1)) - begins(turn);
        level = goal + (level - goal) * Math.exp(-lastedMs / (goal > level ? upMs : downMs));
      }
      return level;
    },
  };
}

export interface Door {
  isOpen(timeMs: number): boolean;
  /** 0 as cold as it gets … about 1 after a door that stood open for long. */
  warmth(timeMs: number): number;
}

const VISIT_MS = 22 * MINUTE;
const WARM_UP_MS = 4 * MINUTE;
const COOL_DOWN_MS = 11 * MINUTE;

export function createDoor(seed: number): Door {
  /** At most one visit a slot, of one to six minutes, wholly inside it; by day far more often than by night. */
  const visit = (slot: number): { fromMs: number; toMs: number } | null => {
    const hour = ((slot * VISIT_MS) % DAY) / (60 * MINUTE);
    if (chance(seed, slot) >= (hour >= 5 && hour < 20 ? 0.42 : 0.1)) return null;
    const lastsMs = (1 + 5 * chance(seed ^ 3, slot) ** 2) * MINUTE;
    const fromMs = slot * VISIT_MS + chance(seed ^ 5, slot) * (VISIT_MS - lastsMs);
    return { fromMs, toMs: fromMs + lastsMs };
  };
  return {
    isOpen(timeMs) {
      const found = visit(Math.floor(timeMs / VISIT_MS));
      return found !== null && timeMs >= found.fromMs && timeMs < found.toMs;
    },
    warmth(timeMs) {
      const now = Math.floor(timeMs / VISIT_MS);
      let sum = 0;
      for (let slot = now - 4; slot <= now; slot++) {
        const found = visit(slot);
        if (found === null || timeMs < found.fromMs) continue;
        const gained = 1 - Math.exp(-(Math.min(timeMs, found.toMs) - found.fromMs) / WARM_UP_MS);
        sum += gained * Math.exp(-Math.max(0, timeMs - found.toMs) / COOL_DOWN_MS);
      }
      return sum;
    },
  };
}
