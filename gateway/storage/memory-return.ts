// A burst of refused records makes a thread's heap grow, and a thread that is quiet afterwards never collects it. This looks now and then,
// and collects when the heap is much larger than it was after the last time; Node has no other way to ask for that.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const GROWTH_BYTES = 48 * 1024 * 1024;

/** Call it when nothing is urgent. True when it collected, which takes some tens of milliseconds. */
export function createMemoryReturn(): () => boolean {
  let keptBytes = process.memoryUsage().heapTotal;
  let collect: (() => void) | null = null;
  return () => {
    if (process.memoryUsage().heapTotal < keptBytes + GROWTH_BYTES) return false;
    if (collect === null) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as () => void;
      setFlagsFromString('--no-expose-gc');
    }
    collect();
    keptBytes = process.memoryUsage().heapTotal;
    return true;
  };
}
