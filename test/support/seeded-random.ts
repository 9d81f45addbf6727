// Randomness that a printed seed brings back: every fault schedule draws from one of these.

import { randomInt } from 'node:crypto';
import { chance, seedOf } from '../../device-sim/noise.ts';

export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** A whole number, both ends included. */
  whole(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  /** Another one that does not depend on how often this one was asked. */
  fork(name: string): SeededRandom;
}

export function createRandom(seed: string): SeededRandom {
  const start = seedOf(seed);
  let asked = 0;
  const next = (): number => chance(start, asked++);
  return {
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick: (list) => list[Math.floor(next() * list.length)]!,
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** For a run that nobody asked to replay. */
export function freshSeed(): string {
  return randomInt(2 ** 32).toString(36);
}
