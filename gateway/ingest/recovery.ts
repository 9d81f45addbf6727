// What happens after a commit failed: nobody gets an ack, everybody is sent away once, and the store is opened again and again until it
// can be written. What devices sent is theirs to send again; events and changes of presence happened, and are kept.

import { setTimeout as wait } from 'node:timers/promises';
import type { Observe } from '../observe.ts';
import { CLOSE } from '../protocol/messages.ts';
import type { Catalogue as StoredCatalogue, DiskError, DiskFault, ReadingStore } from '../storage/store.ts';
import { type Batcher, type NewEvent, type SealedBatch, tellSenders } from './batcher.ts';
import type { IngestCatalogue } from './catalogue.ts';
import type { Flow } from './flow.ts';
import type { DevicePresence } from './presence.ts';
import type { Streams } from './streams.ts';

export interface StoreTrouble {
  readonly sinceMs: number;
  /** `broken`: not the disk's doing, as far as one can tell. */
  readonly fault: DiskFault | 'broken';
  /** The newest error, by its code where it has one. */
  readonly error: string;
}
export interface RecoveryOptions {
  readonly store: ReadingStore;
  readonly batcher: Batcher;
  readonly catalogue: IngestCatalogue;
  readonly streams: Streams;
  readonly presence: DevicePresence;
  readonly flow: Flow;
  readonly observe: Observe;
  readonly nowUs: () => number;
}
export interface Recovery {
  /** Null while commits go through. */
  readonly trouble: StoreTrouble | null;
  /** Resolves when a commit may be tried again, or the gateway closes. The batch, and the one that is open, are lost to their devices. */
  recover(failed: SealedBatch, error: unknown): Promise<void>;
  /** A commit went through. */
  over(): void;
  close(): void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;
/** Events that wait for a store; beyond it the newer ones are dropped, and counted. */
const KEPT_EVENTS = 10_000;
const RECOVERED = 'store-recovered';

export function createRecovery({ store, batcher, catalogue, streams, presence, flow, observe, nowUs }: RecoveryOptions): Recovery {
  const troubles = observe.counterBy('fieldgate_store_troubles_total', 'Times that storing stopped by an error, by fault.', 'fault');
  const dropped = observe.counter('fieldgate_events_dropped_total', 'Events that found no room while nothing could be stored.');
  const closing = new AbortController();
  let trouble: StoreTrouble | null = null;
  let retryMs = FIRST_RETRY_MS;

  /** Puts back what is true without the batch. */
  function salvage({ batch, presence: changes }: SealedBatch): void {
    for (const event of batch.events) {
      if (event.type === RECOVERED) continue;
      if (batcher.events < KEPT_EVENTS) batcher.addEvent(event as NewEvent);
      else dropped.add();
    }
    for (const change of changes) batcher.addPresence(change);
  }
  function sendAway(sealed: SealedBatch): void {
    tellSenders(sealed.settlements, 'failed', observe.log);
    presence.endAll(CLOSE.internal, 'store-unavailable');
  }
  function abandon(...batches: SealedBatch[]): void {
    batches.forEach(salvage);
    batches.forEach(sendAway);
  }

  function note(error: unknown): void {
    const { fault = 'broken', code = '', message } = error as Partial<DiskError> & Error;
    const isNew = trouble === null;
    const isWorse = trouble !== null && trouble.fault !== 'damaged' && fault === 'damaged';
    trouble = { sinceMs: trouble?.sinceMs ?? nowUs() / 1000, fault, error: code || message };
    if (!isNew && !isWorse) return;
    troubles.add(fault);
    observe.log.error(
      { err: error, fault },
      isWorse
        ? 'The database is damaged: nothing is written to it any more'
        : 'Readings cannot be stored; devices are sent away and keep theirs, and the database is opened again until it can be written',
    );
    batcher.addEvent({
      atUs: nowUs(),
      device: '',
      type: 'store-failed',
      reason: fault,
      detail: JSON.stringify({ error: code || message }),
    });
  }

  /** Null when the gateway closes first. */
  async function reopened(): Promise<StoredCatalogue | null> {
    for (;;) {
      try {
        await wait(retryMs, undefined, { signal: closing.signal });
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
        return await store.catalogue();
      } catch (error) {
        if (closing.signal.aborted) return null;
        note(error);
      }
    }
  }

  return {
    get trouble() {
      return trouble;
    },
    async recover(failed, error) {
      flow.holdAll();
      abandon(failed, batcher.seal());
      note(error);
      const stored = await reopened();
      if (stored === null) return;
      // in one turn: what came in meanwhile was taken against a state that ran ahead of the disk
      abandon(batcher.seal());
      catalogue.reload(stored);
      streams.reload(stored.streams);
      // the proof that a commit goes through does not wait for a device to come back
      batcher.addEvent({ atUs: nowUs(), device: '', type: RECOVERED, reason: trouble?.fault ?? 'broken', detail: '' });
    },
    over() {
      if (trouble === null) return;
      const seconds = Math.round((nowUs() / 1000 - trouble.sinceMs) / 1000);
      observe.log.info({ fault: trouble.fault, seconds }, 'Readings are stored again');
      trouble = null;
      retryMs = FIRST_RETRY_MS;
    },
    close: () => closing.abort(),
  };
}
