// Rows for what was refused: the raw bytes and the reason, in the same commit as the frame it came in. A record's row also keeps the base
// fields that it leaned on, so that it can be replayed alone.

import { isUtf8 } from 'node:buffer';
import type { RecordFault } from '../protocol/messages.ts';
import { readRefused } from '../protocol/refused-input.ts';
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
/** The base fields of RFC 8428 that a record can lean on; null: it had one that could not be read. */
export interface BaseFields {
  bn?: string | null;
  bt?: number | null;
  bu?: string | null;
  bv?: number | null;
  /** Only when it was none that is understood. */
  bver?: null;
}

export interface RefusedRecords {
  readonly faults: Faults;
  readonly records: readonly unknown[];
  /** The frame that they came in. */
  readonly bytes: Uint8Array;
  /** In force before the first record, when that is not the first of its frame. */
  readonly base?: BaseFields;
}

const SENML_VERSION = 10;
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
    const refused = readRefused(records[index]);
    if (refused !== null && refused.code === code) {
      const { raw, encoding } = refused;
      batcher.addQuarantine({ ...place, index, code, message, base: '', raw, encoding });
      continue;
    }
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

/** As the validator does: in force from its record on, whatever else is wrong there. Alone, too, a record must not go by what was not said. */
function applyBase(base: BaseFields, record: unknown): void {
  if (typeof record !== 'object' || record === null) return;
  const { bn, bt, bu, bv, bver } = record as Record<string, unknown>;
  if (bn !== undefined) base.bn = typeof bn === 'string' ? bn.slice(0, BASE_TEXT_CHARS) : null;
  if (bt !== undefined) base.bt = typeof bt === 'number' ? bt : null;
  if (bu !== undefined) base.bu = typeof bu === 'string' ? bu.slice(0, BASE_TEXT_CHARS) : null;
  if (bv !== undefined) base.bv = typeof bv === 'number' ? bv : null;
  if (bver !== undefined && bver !== SENML_VERSION) base.bver = null;
}

function textOf(bytes: Uint8Array, isBinary: boolean): { raw: string; encoding: 'utf8' | 'base64' } {
  const encoding = isBinary ? 'base64' : 'utf8';
  return { raw: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding), encoding };
}
