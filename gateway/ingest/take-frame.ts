// A readable frame always settles: its good records into the batch, its bad ones into quarantine, the frame onto the stream's books.

import type { CounterFamily } from '../observe.ts';
import type { RecordFault } from '../protocol/messages.ts';
import { PROBLEMS } from '../protocol/problems.ts';
import type { Batcher } from './batcher.ts';
import { quarantineFrame, quarantineRecords } from './quarantine.ts';
import type { StreamEntry } from './streams.ts';
import type { Faults, FrameContext, Validator } from './validate.ts';

/** What a reading holds until it is on disk, beside its text: a place in each set of columns, and its part in the work that others wait for. */
export const READING_BYTES = 128;

export interface FrameTakers {
  readonly batcher: Batcher;
  readonly validator: Validator;
  readonly refusals: CounterFamily;
}
export interface ReadableFrame {
  readonly stream: StreamEntry;
  readonly seq: number;
  readonly records: readonly unknown[];
  /** The frame as it came, for quarantine. */
  readonly bytes: Uint8Array;
  /** A fault of the whole frame that is known before its records are looked at. */
  readonly whole: RecordFault | null;
}
export interface TakenFrame {
  readonly stored: number;
  readonly faults: Faults;
}

/** Counts what a device could not read itself: its codes are a peer's words. */
const REFUSED_BEFORE = 'refused-by-device';

export function takeFrame({ batcher, validator, refusals }: FrameTakers, context: FrameContext, frame: ReadableFrame): TakenFrame {
  const { stream, seq, records, bytes, whole } = frame;
  batcher.beginFrame();
  const faults = whole === null ? validator.read(records, context) : [whole];
  if (faults.length > 0) {
    for (const { index, code } of faults) refusals.add(index === undefined || Object.hasOwn(PROBLEMS, code) ? code : REFUSED_BEFORE);
    const place = { device: stream.device, stream: stream.id, seq, receivedAtUs: context.receivedUs };
    if (faults[0].index === undefined) {
      batcher.dropFrameReadings();
      quarantineFrame(batcher, place, faults[0], bytes);
    } else quarantineRecords(batcher, place, { faults, records, bytes });
  }
  const stored = batcher.frameReadings;
  batcher.endFrame(stream, seq, faults.length, context.receivedUs);
  stream.lastUsedAtUs = context.receivedUs;
  return { stored, faults };
}
