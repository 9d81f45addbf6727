// The middle of the house: store, then relay, then acknowledge. One batch is being committed, what arrives meanwhile forms the next.

import type { Observe } from '../observe.ts';
import type { EventType } from '../protocol/event-types.ts';
import type { Bus } from '../relay/bus.ts';
import type { Batch, ReadingStore } from '../storage/store.ts';
import type { Session, SessionFactory } from '../transports/transport.ts';
import { Batcher, type Columns, columnsOf, type SealedBatch, tellSenders } from './batcher.ts';
import { type BridgedPorts, createBridgedPorts } from './bridged-ports.ts';
import type { IngestCatalogue } from './catalogue.ts';
import { createFlow } from './flow.ts';
import { createFrameWatch, type FrameWatch } from './frame-watch.ts';
import { createImports, type Imports } from './import.ts';
import { createNoticeBoard } from './notices.ts';
import { createPaces, type PaceLimits } from './pace.ts';
import { createPostGate, type PostGate } from './post-gate.ts';
import { createPackIngest, type PackIngest } from './pack.ts';
import { createPresence, type DevicePresence } from './presence.ts';
import { createRecovery, type StoreTrouble } from './recovery.ts';
import { createReplays, type LineReader, type Replays } from './replay.ts';
import { createSerialIngest, type SerialIngest } from './serial.ts';
import { DeviceSession } from './session.ts';
import type { SessionHouse } from './session-house.ts';
import type { Streams } from './streams.ts';
import { createValidator, type ValidateLimits } from './validate.ts';

export interface IngestLimits extends ValidateLimits, PaceLimits {
  readonly framesInFlightBytes: number;
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
  /** Refused lines of serial ports, when they are replayed; without it they are refused. */
  readonly readLine?: LineReader;
  readonly observe: Observe;
  /** Epoch µs. */
  readonly nowUs: () => number;
}

export interface Ingest {
  readonly openSession: SessionFactory;
  /** A SenML pack that came by HTTP; resolves once its fate is on disk. */
  readonly storePack: PackIngest['store'];
  readonly packsAcked: PackIngest['acked'];
  /** Asked before a body is read. */
  readonly posts: PostGate;
  readonly replays: Replays;
  readonly serial: SerialIngest;
  readonly imports: Imports;
  /** Serial ports of other boxes. */
  readonly bridgedPorts: BridgedPorts['views'];
  readonly presence: DevicePresence;
  /** Shows the frames of a device as they come, for a while. */
  readonly watchFrames: FrameWatch['watch'];
  /** Ends the sessions of a device (or of one of its tokens) at once. */
  readonly endSessions: (who: { device: string; tokenId?: string }, code: number, reason: string) => void;
  /** False while paused, and after a failed commit until one went through again. */
  readonly isStoring: () => boolean;
  /** Why commits fail; null while they don't. */
  readonly trouble: () => StoreTrouble | null;
  /** After what is taken is committed, nothing is: devices stay connected and are not read. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** False when a new device could only be sent away: after a failed commit, or when too many have come and gone during a pause. */
  readonly hasRoom: () => boolean;
  /** Puts an event of the gateway itself on the record. */
  readonly recordEvent: (event: { device?: string; type: EventType; reason: string; detail?: object }) => void;
  /** Resolves when everything taken so far is on disk and acknowledged. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Each device that comes and goes leaves two events, which wait for the end of a pause. */
const WAITING_EVENTS = 10_000;

/** One device may have this part of all that is in flight: a commit holds so much of it, and the others wait for that commit too. */
const DEVICE_SHARE = 16;

export function createIngest(options: IngestOptions): Ingest {
  const { store, bus, catalogue, streams, limits, settingsOf, observe, nowUs } = options;
  const commits = observe.timing('fieldgate_commit_ms', 'Time from handing a batch to the store until it was durable.');
  const readings = observe.counter('fieldgate_readings_stored_total', 'Readings committed.');
  const frames = observe.counter('fieldgate_frames_settled_total', 'Frames whose fate is on disk.');
  const failures = observe.counter('fieldgate_commit_failures_total', 'Batches that the store refused.');
  const refusals = observe.counterBy('fieldgate_refusals_total', 'Refused frames and records, by code.', 'code');

  const holds = observe.counterBy('fieldgate_device_holds_total', 'Times that a device was not read for a while, by reason.', 'reason');
  const flow = createFlow({ budgetBytes: limits.framesInFlightBytes, holds });
  observe.gauge('fieldgate_frames_in_flight_bytes', 'Bytes of frames that are read and not on disk yet.', () => flow.inFlightBytes);

  const batcher = new Batcher(schedule);
  const presence = createPresence({ batcher, lastUsedUs: (device) => streams.lastUsedUs(device), nowUs });
  const bridged = createBridgedPorts({
    nowMs: () => nowUs() / 1000,
    changed({ device, path, state, reason, mend, bridge }) {
      const detail = JSON.stringify({ path, bridge, ...(mend && { mend }) });
      batcher.addEvent({ atUs: nowUs(), device, type: `port-${state}`, reason, detail });
    },
  });
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
    holds,
    flow,
    paceOf: createPaces(limits),
    unackedFrames: limits.unackedFrames,
    unackedBytes: limits.framesInFlightBytes / DEVICE_SHARE,
    bridged,
    frameWatch: createFrameWatch(),
    nowUs,
  };
  const packs = createPackIngest(house, () => isStoring());
  const replays = createReplays(house, {
    store,
    isStoring: () => isStoring(),
    readLine: options.readLine ?? (() => ({ outcome: 'no-port' })),
  });
  const serial = createSerialIngest(house, () => isStoring());
  const imports = createImports(house, () => isStoring());
  const recovery = createRecovery({ store, batcher, catalogue, streams, presence, flow, observe, nowUs });

  let committing: Promise<void> | null = null;
  let isScheduled = false;
  let isPaused = false;
  /** No commit is begun. */
  let isHeld = false;
  let timer: NodeJS.Timeout | undefined;
  let isClosing = false;
  let lastColumns: Columns | null = null;

  /** At once when idle; setImmediate lets every socket that is readable now into the same commit. */
  function schedule(): void {
    if (isScheduled || committing !== null) return;
    isScheduled = true;
    if (options.commitIntervalMs > 0) timer = setTimeout(flush, options.commitIntervalMs);
    else setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    if (committing !== null || isHeld || batcher.isEmpty || (isClosing && recovery.trouble !== null)) return;
    const hasRows = batcher.hasRows;
    committing = commit(batcher.seal(), hasRows).finally(() => {
      committing = null;
      if (batcher.isEmpty) return;
      if (options.commitIntervalMs > 0 && !isClosing) schedule();
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
        const unrelayed = importedOf(batch, imports.streams);
        const committed = unrelayed === null ? { batch, position } : { batch, position, unrelayed };
        catalogue.apply(committed);
        bus.publish(committed);
      }
    } catch (error) {
      failures.add();
      lastColumns = null;
      await recovery.recover(sealed, error);
      return;
    }
    for (const change of sealed.presence) bus.presence(change);
    tellSenders(sealed.settlements, 'settled', observe.log);
    if (hasRows) {
      // the writer may read a batch until it has answered the next one
      if (lastColumns !== null) batcher.recycle(lastColumns);
      lastColumns = columnsOf(sealed.batch);
    } else batcher.recycle(columnsOf(sealed.batch));
    if (hasRows && recovery.trouble !== null) {
      recovery.over();
      holdOrRelease();
    }
  }

  /** What was taken when it was called: the commit under way and the batch behind it, not what devices go on sending. */
  async function settle(): Promise<void> {
    for (let commits = 0; commits < 2 && recovery.trouble === null; commits++) {
      flush();
      await committing;
    }
  }

  const isStoring = (): boolean => !isPaused && recovery.trouble === null;
  function holdOrRelease(): void {
    if (isStoring()) flow.releaseAll();
    else flow.holdAll();
  }
  async function pause(): Promise<void> {
    isPaused = true;
    holdOrRelease();
    // who was read before is answered: the limit is there to leave room for that
    await settle();
    isHeld = isPaused;
  }

  return {
    openSession: (connection): Session => new DeviceSession(house, connection),
    storePack: packs.store,
    packsAcked: packs.acked,
    posts: createPostGate({ paceOf: house.paceOf, budgetBytes: limits.framesInFlightBytes, nowUs }),
    replays,
    serial,
    imports,
    bridgedPorts: bridged.views,
    presence,
    watchFrames: house.frameWatch.watch,
    endSessions: (who, code, reason) => presence.end(who, code, reason),
    isStoring,
    trouble: () => recovery.trouble,
    pause: () => void pause(),
    resume() {
      isPaused = isHeld = false;
      holdOrRelease();
      flush();
    },
    hasRoom: () => recovery.trouble === null && (!isPaused || batcher.events < WAITING_EVENTS),
    recordEvent({ device = '', type, reason, detail }) {
      batcher.addEvent({ atUs: nowUs(), device, type, reason, detail: detail === undefined ? '' : JSON.stringify(detail) });
    },
    settle,
    async close() {
      isClosing = true;
      clearTimeout(timer);
      house.frameWatch.close();
      recovery.close();
      for (;;) {
        flush();
        if (committing === null) break;
        await committing;
      }
    },
  };
}

/** 1 at each reading of an import; null: there is none, as nearly always. */
function importedOf({ count, frames, frameStream, frameReadings }: Batch, imports: ReadonlySet<number>): Uint8Array | null {
  if (imports.size === 0) return null;
  let found: Uint8Array | null = null;
  for (let f = 0, at = 0; f < frames; f++) {
    const end = at + (frameReadings[f] as number);
    if (imports.has(frameStream[f] as number)) (found ??= new Uint8Array(count)).fill(1, at, end);
    at = end;
  }
  return found;
}
