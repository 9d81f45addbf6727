// What became of one port's frames: counted, the last of them kept for people, readings and refused bytes sent on in batches. One batch
// is under way, what comes meanwhile forms the next. Bounded: when the far side does not keep up, whole frames are dropped and counted.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { FrameCounts, PortFrame, SeenFrame } from './port-frames.ts';
import type { RuleResult } from './rules.ts';

/** What was made of a frame. */
export type SeenResult = RuleResult | { readonly outcome: 'refused'; readonly code: string; readonly message: string };

export interface PortBook {
  heard(bytes: number): void;
  /** A frame, and what was made of it: its readings go on, and so does a refused one with its bytes. */
  frame(raw: Uint8Array, atUs: number, result: SeenResult): void;
  /** Bytes that became no frame; of `bytes` the first are here. */
  fault(code: string, raw: Uint8Array, bytes: number, atUs: number, says?: string): void;
  /** The same, and the bytes go on: somebody vouched for them. */
  evidence(code: string, message: string, raw: Uint8Array, bytes: number, atUs: number): void;
  /** Counts alone. */
  countFault(code: string): void;
  countSkipped(reason: string, times: number): void;
  /** What is to go on goes now, unless a batch is under way. */
  flush(): void;
  /** The batch under way has arrived. */
  taken(): void;
  readonly isEmpty: boolean;
  readonly counts: FrameCounts;
  seen(): readonly SeenFrame[];
}

export interface PortBookOptions {
  readonly bufferBytes: number;
  post(frames: readonly PortFrame[]): void;
}

const SEEN_FRAMES = 20;
const SEEN_BYTES = 160;
const SEEN_RECORDS = 8;
/** What a frame costs beside its bytes. The bound is in bytes of the line, which people can reckon with; records take a few times that. */
const FRAME_BYTES = 16;
/** Reasons come from rules and can name what a peer said. */
const REASONS = 64;
const OTHER = 'other';

export function createPortBook({ bufferBytes, post }: PortBookOptions): PortBook {
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

  function offer(frame: PortFrame, bytes: number): void {
    const cost = bytes + FRAME_BYTES;
    if (underWayBytes + waitingBytes + cost > bufferBytes) return count(faults, 'overrun');
    waiting.push(frame);
    waitingBytes += cost;
  }
  function refuse(code: string, message: string, bytes: Uint8Array, atUs: number): void {
    count(faults, code);
    offer({ atUs, code, message, raw: Uint8Array.from(bytes) }, bytes.length);
  }
  /** Kept as it is: somebody may look, twice a second at most. */
  function see(raw: Uint8Array, bytes: number, atUs: number, result: SeenResult): void {
    if (seen.length === SEEN_FRAMES) seen.shift();
    seen.push({ number: ++seenNumber, atUs, raw: raw.slice(0, SEEN_BYTES), bytes, result });
  }
  function flush(): void {
    if (waiting.length === 0 || underWayBytes > 0) return;
    underWayBytes = waitingBytes;
    waitingBytes = 0;
    const batch = waiting;
    waiting = [];
    post(batch);
  }

  return {
    heard(bytes) {
      bytesRead += bytes;
    },
    frame(raw, atUs, result) {
      frames++;
      see(raw, raw.length, atUs, result);
      switch (result.outcome) {
        case 'readings':
          readings += result.records.length;
          offer({ atUs, records: result.records }, raw.length);
          break;
        case 'skipped':
          count(skipped, result.reason);
          break;
        case 'refused':
          refuse(result.code, result.message, raw, atUs);
          break;
        default:
          result satisfies never;
      }
    },
    fault(code, raw, bytes, atUs, says = '') {
      see(raw, bytes, atUs, { outcome: 'refused', code, message: says });
      count(faults, code);
    },
    evidence(code, message, raw, bytes, atUs) {
      see(raw, bytes, atUs, { outcome: 'refused', code, message: '' });
      refuse(code, message, raw, atUs);
    },
    countFault: (code) => count(faults, code),
    countSkipped(reason, times) {
      if (times > 0) count(skipped, reason, times);
    },
    flush,
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
  };
}

export interface Seen {
  readonly number: number;
  readonly atUs: number;
  readonly raw: Uint8Array;
  readonly bytes: number;
  readonly result: SeenResult;
}

export function shown({ number, atUs, raw, bytes, result }: Seen): SeenFrame {
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

function count(counts: Record<string, number>, name: string, times = 1): void {
  const key = name in counts || Object.keys(counts).length < REASONS ? name : OTHER;
  counts[key] = (counts[key] ?? 0) + times;
}
