// Writes down what a port says while it is read, beside whoever reads it: bounded, and never in the way. When nobody takes the pieces in
// time, bytes are left out, and the capture says how many.

import { captureHeader, createCaptureWriter } from '../../protocol/capture-format.ts';

export interface CaptureRecorder {
  heard(bytes: Uint8Array): void;
  hungUp(): void;
  /** One more piece may be posted. */
  allow(): void;
  /** Posts the end, whether it is allowed or not. Idempotent. */
  finish(): void;
}

export interface CaptureRecorderOptions {
  /** What the header says of the port. */
  readonly port: Readonly<Record<string, unknown>>;
  /** Of the port's bytes, after which it is finished. */
  readonly maxBytes: number;
  /** What waits for being taken, at most. */
  readonly bufferBytes: number;
  readonly nowUs: () => number;
  /** Each piece is allowed first, but for the last. */
  post(piece: Uint8Array<ArrayBuffer>, isLast: boolean): void;
}

export function createCaptureRecorder({ port, maxBytes, bufferBytes, nowUs, post }: CaptureRecorderOptions): CaptureRecorder {
  const writer = createCaptureWriter(captureHeader(Math.round(nowUs()), port));
  let isAllowed = false;
  let isOver = false;
  let heardBytes = 0;
  let leftOut = 0;

  function flush(): void {
    if (!isAllowed || writer.waitingBytes === 0) return;
    isAllowed = false;
    const piece = writer.take();
    confess();
    post(piece, false);
  }
  /** The gap is written down where it is, before anything that comes after it. */
  function confess(): void {
    if (leftOut > 0) writer.leftOut(leftOut, nowUs());
    leftOut = 0;
  }
  function finish(): void {
    if (isOver) return;
    isOver = true;
    confess();
    writer.end(nowUs());
    post(writer.take(), true);
  }

  return {
    heard(bytes) {
      if (isOver) return;
      const wanted = bytes.subarray(0, Math.min(bytes.length, maxBytes - heardBytes));
      heardBytes += wanted.length;
      if (leftOut > 0 || writer.waitingBytes + wanted.length > bufferBytes) leftOut += wanted.length;
      else writer.bytes(wanted, nowUs());
      flush();
      if (heardBytes >= maxBytes) finish();
    },
    hungUp() {
      if (isOver) return;
      confess();
      writer.hangUp(nowUs());
      flush();
    },
    allow() {
      isAllowed = true;
      if (!isOver) flush();
    },
    finish,
  };
}
