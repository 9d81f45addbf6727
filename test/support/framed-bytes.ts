// What a framing makes of bytes: frames and faults in their order, copied.

import type { Framer, FrameSink, FramingFaultCode, FramingLimits } from '../../gateway/transports/serial/framing.ts';
import { createFramer } from '../../gateway/transports/serial/framing-factory.ts';
import type { FramingSettings } from '../../gateway/transports/serial/framing-settings.ts';

export const FRAMING_LIMITS: FramingLimits = { maxBytes: 4096, staleUs: 2_000_000 };
export const SECOND_US = 1_000_000;

export type Framed =
  | { readonly frame: string; readonly atUs: number }
  | { readonly fault: FramingFaultCode; readonly bytes: number; readonly sample: string; readonly atUs: number };

export interface FramedBytes {
  readonly framer: Framer;
  readonly sink: FrameSink;
  /** Bytes as latin1. */
  readonly all: Framed[];
  push(bytes: string | Uint8Array, atUs?: number): void;
  /** Frames as text, faults as `code: bytes`. */
  brief(): string[];
}

export function frameBytes(settings: FramingSettings, limits = FRAMING_LIMITS): FramedBytes {
  const framer = createFramer(settings, limits);
  const all: Framed[] = [];
  const sink: FrameSink = {
    frame: (bytes, atUs) => void all.push({ frame: latin1(bytes), atUs }),
    fault: ({ code, bytes, sample }, atUs) => void all.push({ fault: code, bytes, sample: latin1(sample), atUs }),
  };
  return {
    framer,
    sink,
    all,
    push(bytes, atUs = SECOND_US) {
      framer.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, atUs, sink);
    },
    brief: () => all.map((one) => ('frame' in one ? one.frame : `${one.fault}: ${one.bytes}`)),
  };
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
