// What was used last is kept, up to a weight in all; what was not used for the longest time goes first.

export interface Kept<T> {
  get(key: number): T | undefined;
  set(key: number, value: T, weight: number): void;
  clear(): void;
}

export function createKept<T>(room: number): Kept<T> {
  const kept = new Map<number, { readonly value: T; readonly weight: number }>();
  let weighs = 0;
  return {
    get(key) {
      const one = kept.get(key);
      if (one === undefined) return undefined;
      // last in the map's order: used last
      kept.delete(key);
      kept.set(key, one);
      return one.value;
    },
    set(key, value, weight) {
      kept.set(key, { value, weight });
      weighs += weight;
      for (const [oldest, { weight: its }] of kept) {
        if (weighs <= room || oldest === key) return;
        kept.delete(oldest);
        weighs -= its;
      }
    },
    clear() {
      kept.clear();
      weighs = 0;
    },
  };
}
