// Rows for what was refused: the raw text and the reason, in the same commit as the frame it came in.

import type { RecordFault } from '../protocol/messages.ts';
import type { Batcher } from './batcher.ts';
import type { Faults } from './validate.ts';

export interface FramePlace {
  readonly device: string;
  readonly stream: number;
  /** 0 when the frame settles nothing. */
  readonly seq: number;
  readonly receivedAtUs: number;
}

export function quarantineFrame(batcher: Batcher, place: FramePlace, fault: RecordFault, bytes: Uint8Array): void {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  batcher.addQuarantine({ ...place, index: -1, code: fault.code, message: fault.message, raw });
}

export function quarantineRecords(batcher: Batcher, place: FramePlace, faults: Faults, records: readonly unknown[]): void {
  for (const { index = -1, code, message } of faults) {
    batcher.addQuarantine({ ...place, index, code, message, raw: JSON.stringify(records[index]) ?? '' });
  }
}
