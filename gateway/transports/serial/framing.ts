// Bytes of a serial line to frames: what every framing does, whichever it is. Pure: times come in with the bytes. Bounded: nothing keeps
// more than `maxBytes` of an unfinished frame.

/** Why bytes became no frame. Each is a counter and, with the bytes, a line in the workbench. */
export type FramingFaultCode =
  /** Longer than a frame may be; everything up to the next border is dropped. */
  | 'line-too-long'
  /** It was begun and not finished in time. */
  | 'stale-partial'
  /** A checksum or CRC is wrong, or missing where there must be one. */
  | 'bad-checksum'
  /** Not what this framing's bytes can be (a bad escape, an impossible length). */
  | 'bad-frame';

export interface FramingFault {
  readonly code: FramingFaultCode;
  /** The first bytes of what was dropped, at most 256; valid during the call. */
  readonly sample: Uint8Array;
  /** All that was dropped, in bytes. */
  readonly bytes: number;
}

/** Where a framer puts what it finds, in the order of the bytes. */
export interface FrameSink {
  /** One frame without its borders; valid during the call. `atUs` is the arrival of its last byte, epoch µs. */
  frame(bytes: Uint8Array, atUs: number): void;
  fault(fault: FramingFault, atUs: number): void;
}

/** One port's bytes. The same bytes give the same frames, however they are cut into chunks. */
export interface Framer {
  /** `atUs`: when these bytes were read. The framer may not keep `bytes`. */
  push(bytes: Uint8Array, atUs: number, sink: FrameSink): void;
  /** The µs after the last byte at which `idle` wants to be called; null: nothing is pending. */
  readonly idleAfterUs: number | null;
  /** Nothing came for that long: a frame that ends by silence is complete, an unfinished one is stale. */
  idle(atUs: number, sink: FrameSink): void;
  /** The port was closed: what is pending is a stale partial. */
  end(atUs: number, sink: FrameSink): void;
}

/** A frame may be so long, and an unfinished one wait so long for its next byte (limits.serialLineBytes, limits.serialGapSeconds). */
export interface FramingLimits {
  readonly maxBytes: number;
  readonly staleUs: number;
}
