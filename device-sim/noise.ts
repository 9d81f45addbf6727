// Randomness that is a function of its arguments, so that a value depends on (seed, device, metric, time) and on nothing that ran before.

/** 32 bits of a text (FNV-1a), to seed the functions below. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** In [0, 1), for a seed and a whole number. */
export function chance(seed: number, n: number): number {
  // Beyond 2^32 the upper half of n counts too.
  let x = seed ^ Math.imul(n | 0, 0x9e3779b1) ^ Math.imul(Math.floor(n / 0x1_0000_0000) | 0, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** In [-1, 1], smooth in x, with a new direction about once a unit. */
export function drift(seed: number, x: number): number {
  const n = Math.floor(x);
  const part = x - n;
  const ease = part * part * (3 - 2 * part);
  return (chance(seed, n) * (1 - ease) + chance(seed, n + 1) * ease) * 2 - 1;
}
