// One port's bytes to frames to records, and on in batches: one is under way, what comes meanwhile forms the next. Bounded: when the
// far side does not keep up, whole frames are dropped and counted, because a serial line cannot be asked to wait.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { Framer, FramingFault } from './framing.ts';
import type { Rule, RuleResult } from './rules.ts';

/** A frame that was read, or one that was refused, with its bytes. Times are epoch µs. */
export type PortFrame =
  | { readonly atUs: number; readonly records: readonly SenmlRecord[] }
  | { readonly atUs: number; readonly code: string; readonly message: string; readonly raw: Uint8Array };

/** What became of a frame, for people. */
export interface SeenFrame {
  /** Counts what was seen on this port, from 1. */
  readonly number: number;
  readonly atMs: number;
  /** Its first bytes, as base64. */
  readonly raw: string;
  readonly bytes: number;
  /** `readings`, or the reason why there are none. */
  readonly outcome: string;
  readonly readings: number;
  /** What they are, or what is wrong. */
  readonly says: string;
}

/** Since the start of the thread. */
export interface FrameCounts {
  readonly bytes: number;
  readonly frames: number;
  readonly readings: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
}

export interface PortFrames {
  push(bytes: Uint8Array, atUs: number): void;
  /** The port was closed. */
  end(atUs: number): void;
  /** The driver reported an error. */
  driverFault(): void;
  /** The batch under way has arrived. */
  taken(): void;
  readonly isEmpty: boolean;
  readonly counts: FrameCounts;
  seen(): readonly SeenFrame[];
  close(): void;
}

export interface PortFramesOptions {
  readonly framer: Framer;
  readonly rule: Rule;
  /** Frames that are read and not taken by the far side. */
  readonly bufferBytes: number;
  readonly nowUs: () => number;
  post(frames: readonly PortFrame[]): void;
  /** Every frame and every fault: could it be read? null: it says nothing (an empty line). */
  verdict(isGood: boolean | null): void;
}

const SEEN_FRAMES = 20;
const SEEN_BYTES = 160;
const SEEN_RECORDS = 8;
/** What a frame costs beside its bytes. The bound is in bytes of the line, which people can reckon with; records take a few times that. */
const FRAME_BYTES = 16;
/** Reasons come from rules and can name what a peer said. */
const REASONS = 64;
const OTHER = 'other';
/** A frame without content says nothing about the line. */
const EMPTY = 'empty';

export function createPortFrames({ framer, rule, bufferBytes, nowUs, post, verdict }: PortFramesOptions): PortFrames {
  let bytesRead = 0;
  let frames = 0;
  let readings = 0;
  const faults: Record<string, number> = Object.create(null);
  const skipped: Record<string, number> = Object.create(null);
  const seen: Seen[] = [];
  let seenNumber = 0;

  let waiting: PortFrame[] = [];
  let waitingBytes = 0;
  let underWayBytes = 0;
  let timer: NodeJS.Timeout | null = null;

  const sink = {
    frame(bytes: Uint8Array, atUs: number): void {
      frames++;
      const result = rule.read(bytes, atUs);
      see(bytes, bytes.length, atUs, result);
      switch (result.outcome) {
        case 'readings':
          verdict(true);
          readings += result.records.length;
          offer({ atUs, records: result.records }, bytes.length);
          break;
        case 'skipped':
          verdict(result.reason === EMPTY ? null : true);
          count(skipped, result.reason);
          break;
        case 'refused':
          refuse(result.code, result.message, bytes, atUs);
          break;
        default:
          result satisfies never;
      }
    },
    fault({ code, sample, bytes }: FramingFault, atUs: number): void {
      see(sample, bytes, atUs, { outcome: 'refused', code, message: '' });
      // bytes that somebody vouched for are evidence; noise is only counted
      if (code === 'bad-checksum') refuse(code, 'The checksum is wrong or missing.', sample, atUs);
      else {
        verdict(false);
        count(faults, code);
      }
    },
  };

  function refuse(code: string, message: string, bytes: Uint8Array, atUs: number): void {
    verdict(false);
    count(faults, code);
    offer({ atUs, code, message, raw: Uint8Array.from(bytes) }, bytes.length);
  }

  function offer(frame: PortFrame, bytes: number): void {
    const cost = bytes + FRAME_BYTES;
    if (underWayBytes + waitingBytes + cost > bufferBytes) return count(faults, 'overrun');
    waiting.push(frame);
    waitingBytes += cost;
  }

  function flush(): void {
    if (waiting.length === 0 || underWayBytes > 0) return;
    underWayBytes = waitingBytes;
    waitingBytes = 0;
    const batch = waiting;
    waiting = [];
    post(batch);
  }

  /** Kept as it is: somebody may look, twice a second at most. */
  function see(raw: Uint8Array, bytes: number, atUs: number, result: SeenResult): void {
    if (seen.length === SEEN_FRAMES) seen.shift();
    seen.push({ number: ++seenNumber, atUs, raw: raw.slice(0, SEEN_BYTES), bytes, result });
  }

  /** A frame may end, or grow stale, by silence. */
  function arm(): void {
    if (timer !== null) clearTimeout(timer);
    timer = framer.idleAfterUs === null ? null : setTimeout(idle, Math.max(1, Math.ceil(framer.idleAfterUs / 1000)));
  }
  function idle(): void {
    timer = null;
    framer.idle(nowUs(), sink);
    flush();
    arm();
  }

  return {
    push(bytes, atUs) {
      bytesRead += bytes.length;
      framer.push(bytes, atUs, sink);
      flush();
      arm();
    },
    end(atUs) {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      framer.end(atUs, sink);
      flush();
    },
    driverFault: () => count(faults, 'driver'),
    taken() {
      underWayBytes = 0;
      flush();
    },
    get isEmpty() {
      return waiting.length === 0 && underWayBytes === 0;
    },
    get counts() {
      return { bytes: bytesRead, frames, readings, faults: { ...faults }, skipped: { ...skipped } };
    },
    seen: () => seen.map(shown),
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}

type SeenResult = RuleResult | { readonly outcome: 'refused'; readonly code: string; readonly message: string };
interface Seen {
  readonly number: number;
  readonly atUs: number;
  readonly raw: Uint8Array;
  readonly bytes: number;
  readonly result: SeenResult;
}

function shown({ number, atUs, raw, bytes, result }: Seen): SeenFrame {
  const frame = { number, atMs: atUs / 1000, raw: Buffer.from(raw).toString('base64'), bytes };
  switch (result.outcome) {
    case 'readings':
      return {
        ...frame,
        outcome: 'readings',
        readings: result.records.length,
        says: result.records.slice(0, SEEN_RECORDS).map(inWords).join(', '),
      };
    case 'skipped':
      return { ...frame, outcome: result.reason, readings: 0, says: '' };
    case 'refused':
      return { ...frame, outcome: result.code, readings: 0, says: result.message };
    default:
      return result satisfies never;
  }
}
function inWords({ bn = '', n = '', u, v, vs, vb }: SenmlRecord): string {
  return `${bn}${n} ${String(v ?? vs ?? vb ?? '').slice(0, SEEN_BYTES)}${u === undefined ? '' : ` ${u}`}`;
}

function count(counts: Record<string, number>, name: string): void {
  const key = name in counts || Object.keys(counts).length < REASONS ? name : OTHER;
  counts[key] = (counts[key] ?? 0) + 1;
}
