// The newest frames of the devices that somebody looks at, as they came. Nothing is kept while nobody asks: the ways in test one flag.

import { isUtf8 } from 'node:buffer';
import type { RecordFault } from '../protocol/messages.ts';
import type { DeviceFrameView } from '../protocol/rest.ts';

export interface SeenFrame {
  readonly kind: DeviceFrameView['kind'];
  readonly stream: string | null;
  readonly seq: number | null;
  readonly bytes: Uint8Array;
  readonly stored: number;
  readonly faults: readonly Pick<RecordFault, 'code'>[];
}
export interface WatchedFrames {
  /** Newest first. */
  readonly frames: readonly DeviceFrameView[];
  /** Until the watch ends, unless somebody asks again. */
  readonly leftMs: number;
}
export interface FrameWatch {
  /** Somebody watches some device: asked before anything is done for this. */
  isOn: boolean;
  saw(device: string, atUs: number, frame: SeenFrame): void;
  /** Begins to watch, or goes on; null when too many others are watched. */
  watch(device: string): WatchedFrames | null;
  close(): void;
}

const WATCHED_MS = 60_000;
const FRAMES = 32;
const RAW_BYTES = 2048;
/** 2 MiB of raw bytes in all. */
const DEVICES = 32;
const SWEEP_MS = 5_000;

interface Watched {
  untilMs: number;
  seen: number;
  /** Newest last. */
  readonly frames: DeviceFrameView[];
}

/** `steadyMs` never jumps. */
export function createFrameWatch(steadyMs: () => number = () => performance.now()): FrameWatch {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | null = null;

  function sweep(): void {
    const now = steadyMs();
    for (const [device, { untilMs }] of watched) if (untilMs <= now) watched.delete(device);
    self.isOn = watched.size > 0;
    if (self.isOn || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  const self: FrameWatch = {
    isOn: false,
    saw(device, atUs, { kind, stream, seq, bytes, stored, faults }) {
      const its = watched.get(device);
      if (its === undefined) return;
      const refused: Record<string, number> = {};
      for (const { code } of faults) refused[code] = (refused[code] ?? 0) + 1;
      const number = ++its.seen;
      its.frames.push({ number, atMs: atUs / 1000, kind, stream, seq, ...rawOf(bytes), bytes: bytes.length, stored, refused });
      if (its.frames.length > FRAMES) its.frames.shift();
    },
    watch(device) {
      sweep();
      let its = watched.get(device);
      if (its === undefined) {
        if (watched.size >= DEVICES) return null;
        its = { untilMs: 0, seen: 0, frames: [] };
        watched.set(device, its);
      }
      its.untilMs = steadyMs() + WATCHED_MS;
      self.isOn = true;
      if (timer === null) {
        timer = setInterval(sweep, SWEEP_MS);
        timer.unref();
      }
      return { frames: its.frames.toReversed(), leftMs: WATCHED_MS };
    },
    close() {
      watched.clear();
      sweep();
    },
  };
  return self;
}

/** The first bytes as text where all of it is text, with no character cut in two. */
function rawOf(bytes: Uint8Array): Pick<DeviceFrameView, 'raw' | 'encoding'> {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, RAW_BYTES));
  if (!isUtf8(bytes)) return { raw: head.toString('base64'), encoding: 'base64' };
  const text = head.toString('utf8');
  return { raw: head.length < bytes.length ? text.replace(/\ufffd+$/, '') : text, encoding: 'utf8' };
}
