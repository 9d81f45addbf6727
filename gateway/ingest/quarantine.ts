// Rows for what was refused: the raw bytes and the reason, in the same commit as the frame it came in. A record's row also keeps the base
// fields that it leaned on, so that it can be replayed alone.

import { isUtf8 } from 'node:buffer';
import type { RecordFault } from '../protocol/messages.ts';
import type { Batcher } from './batcher.ts';
import { recordSlices } from './cbor-slices.ts';
import { jsonRecordSlices } from './json-slices.ts';
import type { Faults } from './validate.ts';

export interface FramePlace {
  readonly device: string;
  readonly stream: number;
  /** 0 when the frame settles nothing. */
  readonly seq: number;
  readonly receivedAtUs: number;
}
/** The base fields of RFC 8428 that a record can lean on. */
export interface BaseFields {
  bn?: string;
  bt?: number;
  bu?: string;
  bv?: number;
}

export interface RefusedRecords {
  readonly faults: Faults;
  readonly records: readonly unknown[];
  /** The frame that they came in. */
  readonly bytes: Uint8Array;
  /** In force before the first record, when that is not the first of its frame. */
  readonly base?: BaseFields;
}

/** Beyond any limit for names and units: more of them would only say once more that they are too long, a thousand times over. */
const BASE_TEXT_CHARS = 1_100;

export function quarantineFrame(batcher: Batcher, place: FramePlace, fault: RecordFault, bytes: Uint8Array): void {
  const { code, message } = fault;
  batcher.addQuarantine({ ...place, index: -1, code, message, base: '', ...textOf(bytes, !isUtf8(bytes)) });
}

export function quarantineRecords(
  batcher: Batcher,
  place: FramePlace,
  { faults, records, bytes, base: before = {} }: RefusedRecords,
): void {
  // what begins a readable frame of CBOR is never ASCII, and what begins one of JSON always is
  const isCbor = bytes[0] > 0x7f;
  const slices = isCbor ? recordSlices(bytes) : jsonRecordSlices(bytes);
  const base: BaseFields = { ...before };
  let reached = 0;
  for (const { index = -1, code, message } of faults) {
    for (; reached < index; reached++) applyBase(base, records[reached]);
    const text = Object.keys(base).length === 0 ? '' : JSON.stringify(base);
    batcher.addQuarantine({
      ...place,
      index,
      code,
      message,
      base: text,
      ...textOf(slices[index] ?? Buffer.from(JSON.stringify(records[index])), isCbor),
    });
  }
}

/** As the validator does: what has the right type is in force from its record on, whatever else is wrong there. */
function applyBase(base: BaseFields, record: unknown): void {
  if (typeof record !== 'object' || record === null) return;
  const { bn, bt, bu, bv } = record as Record<string, unknown>;
  if (typeof bn === 'string') base.bn = bn.slice(0, BASE_TEXT_CHARS);
  if (typeof bt === 'number') base.bt = bt;
  if (typeof bu === 'string') base.bu = bu.slice(0, BASE_TEXT_CHARS);
  if (typeof bv === 'number') base.bv = bv;
}

function textOf(bytes: Uint8Array, isBinary: boolean): { raw: string; encoding: 'utf8' | 'base64' } {
  const encoding = isBinary ? 'base64' : 'utf8';
  return { raw: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding), encoding };
}
