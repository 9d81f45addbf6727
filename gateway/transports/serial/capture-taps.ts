// Captures in the thread that reads the ports: the tap of a port hears what its reader hears, and sends it away over a channel of its own.

import type { MessagePort } from 'node:worker_threads';
import { type CaptureRecorder, createCaptureRecorder } from './capture-recorder.ts';
import type { PortOpener } from './port-line.ts';

/** What a capture is to be. Goes from thread to thread. */
export interface CaptureOrder {
  /** As the port's settings have it. */
  readonly path: string;
  /** For the header. */
  readonly port: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  readonly maxBytes: number;
  readonly bufferBytes: number;
}

/** A piece of the file; the last one is followed by nothing. */
export interface CapturePiece {
  readonly piece: Uint8Array<ArrayBuffer>;
  readonly isLast: boolean;
}
/** One more piece may come; or the capture is to be finished. */
export type CaptureAnswer = 'more' | 'finish';

export interface CaptureTaps {
  /** As the opener given; what comes is heard by the port's tap too. */
  readonly open: PortOpener;
  /** Until its time is over, its bytes are there, or the other end of the channel closes it. */
  start(order: CaptureOrder, channel: MessagePort): void;
  /** Finishes all. */
  close(): void;
}

/** Epoch µs that never go back. */
export const captureNowUs = (): number => (performance.timeOrigin + performance.now()) * 1000;

export function createCaptureTaps(open: PortOpener): CaptureTaps {
  /** By the port's path. */
  const taps = new Map<string, Set<CaptureRecorder>>();

  return {
    open: (line, ears) =>
      open(line, {
        ...ears,
        bytes(bytes) {
          const heard = taps.get(line.path);
          if (heard !== undefined) for (const tap of heard) tap.heard(bytes);
          ears.bytes(bytes);
        },
        ended() {
          for (const tap of taps.get(line.path) ?? []) tap.hungUp();
          ears.ended();
        },
      }),
    start({ path, port, seconds, maxBytes, bufferBytes }, channel) {
      const own = taps.get(path) ?? new Set();
      taps.set(path, own);
      const tap = createCaptureRecorder({
        port,
        maxBytes,
        bufferBytes,
        nowUs: captureNowUs,
        post(piece, isLast) {
          channel.postMessage({ piece, isLast } satisfies CapturePiece, [piece.buffer]);
          if (isLast) leave();
        },
      });
      const timer = setTimeout(tap.finish, seconds * 1000);
      const leave = (): void => {
        clearTimeout(timer);
        own.delete(tap);
        if (own.size === 0 && taps.get(path) === own) taps.delete(path);
        // what was posted still arrives
        channel.close();
      };
      own.add(tap);
      channel.on('message', (answer: CaptureAnswer) => {
        if (answer === 'finish') tap.finish();
        else tap.allow();
      });
      channel.on('close', leave);
    },
    close() {
      for (const own of [...taps.values()]) for (const tap of [...own]) tap.finish();
    },
  };
}
