// Framings whose frames have a known size: always the same, or written in their header. Bytes that begin no frame are dropped one by one
// until some do; one fault tells of all of them.

import type { FrameSink, FramingLimits } from './framing.ts';
import { createPartialFrame, SAMPLE_BYTES } from './framing-partial.ts';
import type { LengthPrefixed } from './framing-settings.ts';
import type { Gatherer } from './framing-silence.ts';

export interface SizedFrames {
  /** How every frame begins; may be empty. */
  readonly sync: Uint8Array;
  /** So many bytes tell the size. */
  readonly headerBytes: number;
  /** The size of the whole frame whose header begins at `start`. */
  size(buffer: Uint8Array, start: number): number;
}

/** The size that a header gives. */
export function prefixedSize({ offsetBytes, sizeBytes, byteOrder, addBytes }: LengthPrefixed): SizedFrames['size'] {
  return (buffer, start) => {
    const first = start + offsetBytes;
    let length = 0;
    // Not by shifts: four bytes may be more than 2^31.
    for (let i = 0; i < sizeBytes; i++) length = length * 256 + buffer[byteOrder === 'big' ? first + i : first + sizeBytes - 1 - i];
    return length + addBytes;
  };
}

export function createSizedGatherer({ sync, headerBytes, size }: SizedFrames, limits: FramingLimits): Gatherer {
  const leastBytes = Math.max(1, sync.length, headerBytes);
  const buffer = new Uint8Array(Math.max(limits.maxBytes, leastBytes));
  const skipped = createPartialFrame(SAMPLE_BYTES);
  let start = 0;
  let end = 0;
  /** Bytes from `start` that are the sync's. */
  let matched = 0;
  /** The size of the frame at `start`; 0: not known yet, or not known to be one. */
  let frameBytes = 0;

  const reset = (): void => {
    start = end = matched = frameBytes = 0;
  };
  const skipOne = (): void => {
    skipped.add(buffer, start, start + 1);
    start++;
    matched = 0;
  };
  const tellSkipped = (atUs: number, sink: FrameSink): void => {
    if (skipped.bytes > 0) skipped.drop('bad-frame', atUs, sink);
  };
  /** Sets `frameBytes` when a frame begins at `start`; else moves `start`. Looks at no byte more often than a header is long. */
  const hunt = (): void => {
    while (start < end && frameBytes === 0) {
      while (matched < sync.length && start + matched < end && buffer[start + matched] === sync[matched]) matched++;
      if (matched < sync.length && start + matched < end) {
        skipOne();
        continue;
      }
      if (end - start < leastBytes) return;
      const bytes = size(buffer, start);
      if (bytes < leastBytes || bytes > limits.maxBytes) skipOne();
      else frameBytes = bytes;
    }
  };
  const takeByte = (byte: number, atUs: number, sink: FrameSink): void => {
    if (end === buffer.length) {
      // At most once a frame: `start` moves only while less than a header is there.
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    buffer[end++] = byte;
    if (frameBytes === 0) {
      hunt();
      if (frameBytes > 0) tellSkipped(atUs, sink);
    }
    if (frameBytes === 0 || end - start < frameBytes) return;
    const frame = buffer.subarray(start, end);
    reset();
    sink.frame(frame, atUs);
  };
  const abandon = (atUs: number, sink: FrameSink): void => {
    tellSkipped(atUs, sink);
    if (end > start) {
      skipped.add(buffer, start, end);
      skipped.drop('stale-partial', atUs, sink);
    }
    reset();
  };
  return {
    get isPending() {
      return end > start || skipped.bytes > 0;
    },
    take(bytes, atUs, sink) {
      for (let i = 0; i < bytes.length; i++) takeByte(bytes[i], atUs, sink);
    },
    silence: abandon,
    end: abandon,
  };
}
