// Frames of a fixed layout: numbers at places.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { Rule } from './rules.ts';
import type { BinaryField, BinarySettings, BinaryType } from './rules-settings.ts';
import { badNumber, recordsOf, refusal } from './rules-text.ts';

type Read = (view: DataView, at: number, isLittle: boolean) => number;

/** Of every type, its bytes and how it is read. */
export const BINARY_READERS: Readonly<Record<BinaryType, { readonly bytes: number; readonly read: Read }>> = {
  u8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u16: { bytes: 2, read: (view, at, isLittle) => view.getUint16(at, isLittle) },
  i16: { bytes: 2, read: (view, at, isLittle) => view.getInt16(at, isLittle) },
  u24: { bytes: 3, read: readU24 },
  i24: { bytes: 3, read: (view, at, isLittle) => (readU24(view, at, isLittle) << 8) >> 8 },
  u32: { bytes: 4, read: (view, at, isLittle) => view.getUint32(at, isLittle) },
  i32: { bytes: 4, read: (view, at, isLittle) => view.getInt32(at, isLittle) },
  // beyond 2^53 the nearest double
  u64: { bytes: 8, read: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)) },
  i64: { bytes: 8, read: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)) },
  f32: { bytes: 4, read: (view, at, isLittle) => view.getFloat32(at, isLittle) },
  f64: { bytes: 8, read: (view, at, isLittle) => view.getFloat64(at, isLittle) },
};

export function createBinaryRule({ lengthBytes, byteOrder = 'big', match = [], fields }: BinarySettings): Rule {
  const leastBytes = Math.max(...fields.map((field) => field.atByte + BINARY_READERS[field.type].bytes));
  const constants = match.map(({ atByte, hex }) => ({ atByte, bytes: hexBytes(hex) }));

  return {
    read(frame) {
      if (lengthBytes !== undefined && frame.length !== lengthBytes)
        return refusal('no-match', `The frame has ${frame.length} bytes, the rule says ${lengthBytes}.`);
      if (frame.length < leastBytes) return refusal('no-match', `The frame has ${frame.length} bytes, its fields need ${leastBytes}.`);
      for (const { atByte, bytes } of constants) {
        if (bytes.some((byte, i) => frame[atByte + i] !== byte)) return refusal('no-match', `Other bytes at ${atByte} than the rule says.`);
      }
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      const records: SenmlRecord[] = [];
      for (const field of fields) {
        const raw = BINARY_READERS[field.type].read(view, field.atByte, (field.byteOrder ?? byteOrder) === 'little');
        if (raw === field.absent) continue;
        const record = recordOf(field, raw);
        if (record === null) return badNumber(`${raw}`, field.metric);
        records.push(record);
      }
      return recordsOf(records);
    },
  };
}

function recordOf({ metric, unit, scale = 1, offset = 0, bit }: BinaryField, raw: number): SenmlRecord | null {
  const head = unit === undefined ? { n: metric } : { n: metric, u: unit };
  if (bit !== undefined) return { ...head, vb: ((raw >>> bit) & 1) === 1 };
  const v = raw * scale + offset;
  return Number.isFinite(v) ? { ...head, v } : null;
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function readU24(view: DataView, at: number, isLittle: boolean): number {
  return isLittle ? view.getUint8(at) | (view.getUint16(at + 1, true) << 8) : (view.getUint16(at, false) << 8) | view.getUint8(at + 2);
}
