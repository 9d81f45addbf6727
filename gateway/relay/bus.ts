// What was just committed, handed to whoever listens. The in-process bus calls listeners directly and in order; NATS can take its seat.

import type { Batch } from '../storage/store.ts';

/** A batch that is on disk; reading i has position `position − batch.count + 1 + i`. */
export interface Committed {
  readonly batch: Batch;
  readonly position: number;
  /** Readings that are history and no news: 1 at their place in the batch. Left out: there are none. */
  readonly unrelayed?: Uint8Array;
}

/** A device went online or offline, after the event was committed. */
export interface PresenceChange {
  readonly device: string;
  readonly online: boolean;
  readonly reason: string;
  readonly atMs: number;
}

export interface BusListener {
  readings(committed: Committed): void;
  presence(change: PresenceChange): void;
}

/**
 * Contract: listeners hear everything published after `subscribe` returned, in the order of publication, on a later or the same turn. A
 * batch is only valid during the call. A listener never throws into the publisher. `subscribe` returns the way to leave.
 */
export interface Bus {
  publish(committed: Committed): void;
  presence(change: PresenceChange): void;
  subscribe(listener: BusListener): () => void;
  close(): Promise<void>;
}

export function createInProcessBus(onError: (error: unknown) => void): Bus {
  const listeners = new Set<BusListener>();
  const each = (call: (listener: BusListener) => void): void => {
    for (const listener of listeners) {
      try {
        call(listener);
      } catch (error) {
        onError(error);
      }
    }
  };
  return {
    publish: (committed) => each((listener) => listener.readings(committed)),
    presence: (change) => each((listener) => listener.presence(change)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
    },
  };
}
