// A capture read again: the same bytes with the same pauses through the framing and the rule of a port, at the pace of the line or faster.
// Nothing is dropped: it waits for the store, which a line cannot do.

import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import type { CaptureOutcome, OpenCapture } from '../../protocol/capture-format.ts';
import type { Framer } from './framing.ts';
import { createFramer } from './framing-factory.ts';
import type { FramingSettings } from './framing-settings.ts';
import { createPortFrames, type FrameCounts, type PortFrame, type PortFrames, type SeenFrame } from './port-frames.ts';
import type { SerialLimits } from './port-settings.ts';
import { createRule } from './rules-factory.ts';
import type { RuleSettings } from './rules-settings.ts';

export interface ReplayOrder {
  readonly framing: FramingSettings;
  readonly rule: RuleSettings;
  /** Times as fast as the line was; Infinity: as fast as the store takes it. */
  readonly speed: number;
  /** Whether a frame's arrival is when it was captured, or when it is replayed. */
  readonly times: 'captured' | 'now';
}

/** So far. */
export interface ReplayState {
  readonly counts: FrameCounts;
  readonly seen: readonly SeenFrame[];
  /** Of the line's time, how much has passed. */
  readonly passedMs: number;
  /** Bytes that the capture says are missing. */
  readonly leftOutBytes: number;
  readonly hangUps: number;
}
export interface Replay {
  state(): ReplayState;
  /** Reads it all; resolves when its last frame is on disk. Rejects when the signal says so. */
  run(): Promise<CaptureOutcome>;
}

export interface ReplayOptions {
  readonly capture: OpenCapture;
  readonly order: ReplayOrder;
  readonly limits: Pick<SerialLimits, 'serialLineBytes' | 'serialGapSeconds'>;
  readonly nowUs: () => number;
  readonly signal: AbortSignal;
  /** Resolves with true when the frames' fate is on disk, with false when they must be offered again. */
  store(frames: readonly PortFrame[]): Promise<boolean>;
}

/** Read between two turns of the event loop. */
const SLICE_BYTES = 4096;
/** Read before the store is waited for: enough for commits of some size. */
const AHEAD_BYTES = 64 * 1024;
/** What that many bytes can become in frames is far below it. */
const BUFFER_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 250;
/** Timers are no finer. */
const SOONEST_MS = 2;
/** Nor longer. */
const LONGEST_MS = 2 ** 31 - 1;

export function createReplay({ capture, order, limits, nowUs, signal, store }: ReplayOptions): Replay {
  const { startedUs } = capture.header;
  const { framing, rule, speed, times } = order;
  const framer = createFramer(framing, { maxBytes: limits.serialLineBytes, staleUs: limits.serialGapSeconds * 1e6 });
  let lineUs = startedUs;
  let begunUs = 0;
  let leftOutBytes = 0;
  let hangUps = 0;
  let aheadBytes = 0;
  let busyBytes = 0;
  let onTaken: () => void = () => undefined;
  let failure: Error | null = null;

  const frames: PortFrames = createPortFrames({
    framer: withoutTimers(framer),
    rule: createRule(rule, { isVerified: framing.kind === 'nmea' }),
    bufferBytes: BUFFER_BYTES,
    nowUs: () => lineUs,
    verdict: () => undefined,
    post: (batch) => void take(times === 'captured' ? batch : batch.map((frame) => ({ ...frame, atUs: replayedAtUs(frame.atUs) }))),
  });

  /** The frames' own order is kept when they are told faster than the clock goes. */
  function replayedAtUs(atUs: number): number {
    return speed === Number.POSITIVE_INFINITY ? nowUs() : Math.round(begunUs + (atUs - startedUs) / speed);
  }

  async function take(batch: readonly PortFrame[]): Promise<void> {
    try {
      while (!(await store(batch))) await wait(RETRY_MS, undefined, { signal });
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    frames.taken();
    onTaken();
  }
  async function untilTaken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    onTaken = resolve;
    if (!frames.isEmpty) await promise;
    aheadBytes = 0;
    if (failure !== null) throw failure;
  }

  async function untilDue(atUs: number): Promise<void> {
    lineUs = atUs;
    if (speed === Number.POSITIVE_INFINITY) return;
    const dueMs = (): number => (begunUs + (atUs - startedUs) / speed - nowUs()) / 1000;
    for (let ms = dueMs(); ms >= SOONEST_MS; ms = dueMs()) await wait(Math.min(ms, LONGEST_MS), undefined, { signal });
  }

  async function push(bytes: Uint8Array, atUs: number): Promise<void> {
    for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
      const slice = bytes.subarray(from, from + SLICE_BYTES);
      frames.push(slice, atUs);
      aheadBytes += slice.length;
      busyBytes += slice.length;
      if (aheadBytes >= AHEAD_BYTES) await untilTaken();
      else if (busyBytes >= SLICE_BYTES) await turn();
      else continue;
      busyBytes = 0;
    }
  }

  return {
    state: () => ({ counts: frames.counts, seen: frames.seen(), passedMs: (lineUs - startedUs) / 1000, leftOutBytes, hangUps }),
    async run() {
      begunUs = nowUs();
      for await (const record of capture.records()) {
        signal.throwIfAborted();
        if (failure !== null) throw failure;
        await untilDue(record.atUs);
        switch (record.kind) {
          case 'bytes':
            await push(record.bytes, record.atUs);
            break;
          case 'left-out':
            leftOutBytes += record.count;
            frames.end(record.atUs);
            break;
          case 'hang-up':
            hangUps++;
            frames.end(record.atUs);
            break;
          case 'end':
            break;
          default:
            record satisfies never;
        }
      }
      frames.end(lineUs);
      while (!frames.isEmpty) await untilTaken();
      frames.close();
      return capture.end.outcome;
    },
  };
}

/** The clock of a capture is in its records: silence shows in the time of the next one, and at the end in that of the last. */
function withoutTimers(framer: Framer): Framer {
  let lastUs = 0;
  return {
    push(bytes, atUs, sink) {
      lastUs = atUs;
      framer.push(bytes, atUs, sink);
    },
    idleAfterUs: null,
    idle: framer.idle,
    end(atUs, sink) {
      const { idleAfterUs } = framer;
      if (idleAfterUs !== null && atUs - lastUs >= idleAfterUs) framer.idle(lastUs + idleAfterUs, sink);
      framer.end(atUs, sink);
    },
  };
}
