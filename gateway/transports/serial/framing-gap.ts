// Frames that silence ends.

import type { FramingLimits } from './framing.ts';
import { createPartialFrame } from './framing-partial.ts';
import type { Gatherer } from './framing-silence.ts';

export function createGapGatherer(limits: FramingLimits): Gatherer {
  const partial = createPartialFrame(limits.maxBytes);
  return {
    get isPending() {
      return partial.bytes > 0;
    },
    take(bytes) {
      partial.add(bytes, 0, bytes.length);
    },
    silence(atUs, sink) {
      if (partial.isTooLong) return partial.drop('line-too-long', atUs, sink);
      const content = partial.content();
      partial.clear();
      sink.frame(content, atUs);
    },
    end(atUs, sink) {
      if (partial.bytes > 0) partial.drop(partial.isTooLong ? 'line-too-long' : 'stale-partial', atUs, sink);
    },
  };
}
