// A burst of refused records makes a thread's heap grow, and a thread that is quiet afterwards never collects it. This looks now and then,
// and collects when the thread has much more memory, columns outside of the heap among it, than it had after the last time; Node has no
// other way to ask for that.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const GROWTH_BYTES = 48 * 1024 * 1024;

function bytesInUse(): number {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}

/** Call it when nothing is urgent. True when it collected, which takes some tens of milliseconds. */
export function createMemoryReturn(growthBytes = GROWTH_BYTES): () => boolean {
  let keptBytes = bytesInUse();
  let collect: (() => void) | null = null;
  return () => {
    if (bytesInUse() < keptBytes + growthBytes) return false;
    if (collect === null) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as () => void;
      setFlagsFromString('--no-expose-gc');
    }
    collect();
    keptBytes = bytesInUse();
    return true;
  };
}
