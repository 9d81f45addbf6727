// The middle of the house: store, then relay, then acknowledge. One batch is being committed, what arrives meanwhile forms the next.

import { setTimeout as wait } from 'node:timers/promises';
import type { Observe } from '../observe.ts';
import { CLOSE } from '../protocol/messages.ts';
import type { Bus } from '../relay/bus.ts';
import type { ReadingStore, Catalogue as StoredCatalogue } from '../storage/store.ts';
import type { Session, SessionFactory } from '../transports/transport.ts';
import { Batcher, type SealedBatch } from './batcher.ts';
import type { IngestCatalogue } from './catalogue.ts';
import { createNoticeBoard } from './notices.ts';
import { createPackIngest, type PackResult } from './pack.ts';
import { createPresence, type DevicePresence } from './presence.ts';
import { DeviceSession, type SessionHouse } from './session.ts';
import type { Streams } from './streams.ts';
import { createValidator, type ValidateLimits } from './validate.ts';

export interface IngestLimits extends ValidateLimits {
  readonly deviceFrameBytes: number;
  readonly unackedFrames: number;
  readonly depth: number;
  readonly keysPerObject: number;
  readonly unreadablePerMinute: number;
  readonly unknownPerMinute: number;
  readonly openStreams: number;
  readonly newStreamsPerHour: number;
}
/** What of a device's settings matters to its readings. */
export interface DeviceSettings {
  readonly clock: 'device' | 'gateway';
  readonly pingSeconds: number;
  readonly pongSeconds: number;
}
export interface IngestOptions {
  readonly store: ReadingStore;
  readonly bus: Bus;
  readonly catalogue: IngestCatalogue;
  readonly streams: Streams;
  readonly limits: IngestLimits;
  readonly commitIntervalMs: number;
  readonly settingsOf: (device: string) => DeviceSettings;
  readonly observe: Observe;
  /** Epoch µs. */
  readonly nowUs: () => number;
}

export interface Ingest {
  readonly openSession: SessionFactory;
  /** A SenML pack that came by HTTP; resolves once its fate is on disk. */
  readonly storePack: (device: string, body: Uint8Array) => Promise<PackResult>;
  readonly presence: DevicePresence;
  /** Ends the sessions of a device (or of one of its tokens) at once. */
  readonly endSessions: (who: { device: string; tokenId?: string }, code: number, reason: string) => void;
  /** False after a failed commit, until the store answered again. */
  readonly isStoring: () => boolean;
  /** Puts an event of the gateway itself on the record. */
  readonly recordEvent: (event: { device?: string; type: string; reason: string; detail?: object }) => void;
  /** Resolves when everything taken so far is on disk and acknowledged. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const STORE_RETRY_MS = 500;

export function createIngest(options: IngestOptions): Ingest {
  const { store, bus, catalogue, streams, limits, settingsOf, observe, nowUs } = options;
  const commits = observe.timing('fieldgate_commit_ms', 'Time from handing a batch to the store until it was durable.');
  const readings = observe.counter('fieldgate_readings_stored_total', 'Readings committed.');
  const frames = observe.counter('fieldgate_frames_settled_total', 'Frames whose fate is on disk.');
  const failures = observe.counter('fieldgate_commit_failures_total', 'Batches that the store refused.');
  const refusals = observe.counterBy('fieldgate_refusals_total', 'Refused frames and records, by code.', 'code');

  const batcher = new Batcher(schedule);
  const presence = createPresence({ batcher, lastUsedUs: (device) => streams.lastUsedUs(device), nowUs });
  const house: SessionHouse = {
    batcher,
    catalogue,
    streams,
    validator: createValidator(batcher, catalogue, limits),
    limits,
    deviceLimits: { frameBytes: limits.deviceFrameBytes, readingsPerFrame: limits.readingsPerFrame, unackedFrames: limits.unackedFrames },
    settingsOf,
    presence,
    noticesOf: createNoticeBoard(batcher, nowUs),
    refusals,
    nowUs,
  };
  const packs = createPackIngest(house);

  let committing: Promise<void> | null = null;
  let isScheduled = false;
  let isHealthy = true;
  let timer: NodeJS.Timeout | undefined;
  let isClosing = false;
  let lastCommitted: SealedBatch | null = null;

  /** At once when idle; setImmediate lets every socket that is readable now into the same commit. */
  function schedule(): void {
    if (isScheduled || committing !== null) return;
    isScheduled = true;
    if (options.commitIntervalMs > 0) timer = setTimeout(flush, options.commitIntervalMs);
    else setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    if (committing !== null || batcher.isEmpty) return;
    const hasRows = batcher.hasRows;
    committing = commit(batcher.seal(), hasRows).finally(() => {
      committing = null;
      if (batcher.isEmpty) return;
      if (options.commitIntervalMs > 0) schedule();
      else flush();
    });
  }

  async function commit(sealed: SealedBatch, hasRows: boolean): Promise<void> {
    const { batch } = sealed;
    try {
      if (hasRows) {
        const startedMs = performance.now();
        const position = await store.append(batch);
        commits.observe(performance.now() - startedMs);
        readings.add(batch.count);
        frames.add(batch.frames);
        catalogue.apply({ batch, position });
        bus.publish({ batch, position });
      }
    } catch (error) {
      await recover(sealed, error);
      return;
    }
    for (const change of sealed.presence) bus.presence(change);
    for (const settlement of sealed.settlements) settlement.sender.settled(settlement);
    if (hasRows) {
      // the writer may read a batch until it has answered the next one
      if (lastCommitted !== null) batcher.recycle(lastCommitted);
      lastCommitted = sealed;
    } else batcher.recycle(sealed);
    isHealthy = true;
  }

  /** Nothing of the batch is stored: nobody gets an ack, every session ends and the devices send it again. */
  async function recover(sealed: SealedBatch, error: unknown): Promise<void> {
    isHealthy = false;
    lastCommitted = null;
    failures.add();
    observe.log.error({ err: error, readings: sealed.batch.count }, 'A batch could not be stored; its devices are sent away to try again');
    fail(sealed);
    const stored = await catalogueAgain();
    if (stored === null) return;
    // in one turn: what was taken meanwhile was taken against a state that ran ahead of the disk
    fail(batcher.seal());
    catalogue.reload(stored);
    streams.reload(stored.streams);
    // the first thing to be stored again: readiness does not wait for a device to come back
    batcher.addEvent({ atUs: nowUs(), device: '', type: 'store-recovered', reason: 'commit-failed', detail: '' });
  }
  function fail(sealed: SealedBatch): void {
    for (const settlement of sealed.settlements) settlement.sender.failed();
    presence.endAll(CLOSE.internal, 'store-unavailable');
  }
  /** Until the store answers nothing is appended; null when the gateway closes first. */
  async function catalogueAgain(): Promise<StoredCatalogue | null> {
    for (;;) {
      if (!isClosing) await wait(STORE_RETRY_MS);
      try {
        return await store.catalogue();
      } catch (error) {
        if (isClosing) return null;
        observe.log.error({ err: error }, 'The store does not answer; trying again');
      }
    }
  }

  /** What was taken when it was called: the commit under way and the batch behind it, not what devices go on sending. */
  async function settle(): Promise<void> {
    flush();
    for (let commits = 0; commits < 2 && committing !== null; commits++) await committing;
  }

  return {
    openSession: (connection): Session => new DeviceSession(house, connection),
    storePack: packs,
    presence,
    endSessions: (who, code, reason) => presence.end(who, code, reason),
    isStoring: () => isHealthy,
    recordEvent({ device = '', type, reason, detail }) {
      batcher.addEvent({ atUs: nowUs(), device, type, reason, detail: detail === undefined ? '' : JSON.stringify(detail) });
    },
    settle,
    async close() {
      isClosing = true;
      clearTimeout(timer);
      flush();
      while (committing !== null) await committing;
    },
  };
}
