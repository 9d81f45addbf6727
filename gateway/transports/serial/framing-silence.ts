// The time of a framing: when silence has lasted, the one that gathers bytes is told. The same whether a timer or the next byte finds out.

import type { Framer, FrameSink } from './framing.ts';

/** What one framing does with bytes; it knows no clock. */
export interface Gatherer {
  /** There are bytes that are in no frame and in no fault yet. */
  readonly isPending: boolean;
  take(bytes: Uint8Array, atUs: number, sink: FrameSink): void;
  /** Silence while something was pending. `atUs`: arrival of the last byte. Afterwards nothing is. */
  silence(atUs: number, sink: FrameSink): void;
  /** The port was closed: what is pending is dropped, and what comes next is from another connection. */
  end(atUs: number, sink: FrameSink): void;
}

export function createTimedFramer(gatherer: Gatherer, silenceUs: number): Framer {
  let lastAtUs = 0;
  const silence = (sink: FrameSink): void => {
    if (gatherer.isPending) gatherer.silence(lastAtUs, sink);
  };
  return {
    push(bytes, atUs, sink) {
      if (bytes.length === 0) return;
      if (atUs - lastAtUs >= silenceUs) silence(sink);
      lastAtUs = atUs;
      gatherer.take(bytes, atUs, sink);
    },
    get idleAfterUs() {
      return gatherer.isPending ? silenceUs : null;
    },
    idle(_atUs, sink) {
      silence(sink);
    },
    end(_atUs, sink) {
      gatherer.end(lastAtUs, sink);
    },
  };
}
