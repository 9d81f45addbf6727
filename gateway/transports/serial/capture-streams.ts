// Captures as the gateway hands them out: each a stream of a file that grows while the port speaks. Who reads it slowly gets gaps, never
// slows the port, and ends it by leaving.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { CaptureAnswer, CaptureOrder, CapturePiece } from './capture-taps.ts';

export interface CapturedPort {
  readonly id: string;
  readonly path: string;
  /** As `serial.ports` takes them, for the header. */
  readonly settings: Readonly<Record<string, unknown>>;
}
export interface CaptureAsk {
  readonly seconds: number;
  readonly maxBytes: number;
}

export interface Captures {
  /** null: the port is being captured already, or no port is read now. */
  open(port: CapturedPort, ask: CaptureAsk): ReadableStream<Uint8Array> | null;
  /** Has the capture of this port write its end; false: there is none. */
  finish(id: string): boolean;
}

export interface CapturesOptions {
  readonly bufferBytes: number;
  /** Hands the other end to the thread that reads the ports; false: there is none. */
  tap(order: CaptureOrder, channel: MessagePort): boolean;
}

export function createCaptures({ bufferBytes, tap }: CapturesOptions): Captures {
  /** One a port, by the port's id. */
  const running = new Map<string, MessagePort>();

  return {
    open({ id, path, settings }, { seconds, maxBytes }) {
      if (running.has(id)) return null;
      const { port1: own, port2: theirs } = new MessageChannel();
      if (!tap({ path, port: settings, seconds, maxBytes, bufferBytes }, theirs)) {
        own.close();
        return null;
      }
      running.set(id, own);
      return streamOf(own, () => running.delete(id));
    },
    finish(id) {
      const own = running.get(id);
      own?.postMessage('finish' satisfies CaptureAnswer);
      return own !== undefined;
    },
  };
}

function streamOf(channel: MessagePort, over: () => void): ReadableStream<Uint8Array> {
  let isAsked = false;
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        channel.on('message', ({ piece, isLast }: CapturePiece) => {
          if (isOver) return;
          isAsked = false;
          controller.enqueue(piece);
          if (!isLast) return;
          isOver = true;
          controller.close();
        });
        // without an end when the thread broke: the file says so to whoever reads it
        channel.on('close', () => {
          if (!isOver) controller.close();
          isOver = true;
          over();
        });
      },
      pull() {
        if (isAsked || isOver) return;
        isAsked = true;
        channel.postMessage('more' satisfies CaptureAnswer);
      },
      cancel() {
        isOver = true;
        channel.close();
      },
    },
    { highWaterMark: 1 },
  );
}
