// What becomes of one port's bytes; and how that goes where the port is listened to: bytes to frames, frames to records.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { Framer, FramingFault } from './framing.ts';
import type { SlaveStatus } from './modbus-slave.ts';
import { createPortBook } from './port-book.ts';
import type { LineFault } from './port-marks.ts';
import type { Rule } from './rules.ts';

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
  /** The port was opened: who asks may ask. `write` says how many bytes the driver took. */
  begin(write: (bytes: Uint8Array) => number): void;
  push(bytes: Uint8Array, atUs: number): void;
  /** The port was closed. */
  end(atUs: number): void;
  /** The driver reported an error. */
  driverFault(code?: LineFault): void;
  /** The batch under way has arrived. */
  taken(): void;
  readonly isEmpty: boolean;
  readonly counts: FrameCounts;
  seen(): readonly SeenFrame[];
  /** Whom a Modbus master asks; none where the port is listened to. */
  slaves(): readonly SlaveStatus[];
  /** Another number than before: there is more to tell. */
  readonly steps: number;
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

/** A frame without content says nothing about the line. */
const EMPTY = 'empty';

export function createPortFrames({ framer, rule, bufferBytes, nowUs, post, verdict }: PortFramesOptions): PortFrames {
  const book = createPortBook({ bufferBytes, post });
  let timer: NodeJS.Timeout | null = null;

  const sink = {
    frame(bytes: Uint8Array, atUs: number): void {
      const result = rule.read(bytes, atUs);
      verdict(result.outcome === 'skipped' && result.reason === EMPTY ? null : result.outcome !== 'refused');
      book.frame(bytes, atUs, result);
    },
    fault({ code, sample, bytes }: FramingFault, atUs: number): void {
      verdict(false);
      // bytes that somebody vouched for are evidence; noise is only counted
      if (code === 'bad-checksum') book.evidence(code, 'The checksum is wrong or missing.', sample, bytes, atUs);
      else book.fault(code, sample, bytes, atUs);
    },
  };

  /** A frame may end, or grow stale, by silence. */
  function arm(): void {
    if (timer !== null) clearTimeout(timer);
    timer = framer.idleAfterUs === null ? null : setTimeout(idle, Math.max(1, Math.ceil(framer.idleAfterUs / 1000)));
  }
  function idle(): void {
    timer = null;
    framer.idle(nowUs(), sink);
    book.flush();
    arm();
  }
  function stop(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }

  return {
    begin: () => undefined,
    push(bytes, atUs) {
      book.heard(bytes.length);
      framer.push(bytes, atUs, sink);
      book.flush();
      arm();
    },
    end(atUs) {
      stop();
      framer.end(atUs, sink);
      book.flush();
    },
    driverFault: (code) => book.countFault(code ?? 'driver'),
    taken: book.taken,
    get isEmpty() {
      return book.isEmpty;
    },
    get counts() {
      return book.counts;
    },
    seen: book.seen,
    slaves: () => [],
    get steps() {
      return book.counts.bytes;
    },
    close: stop,
  };
}
