// The values of a chunk, by kind. Where a series changed its kind on the way, the kinds are a column too, and the values of each kind follow.

import type { Value } from '../protocol/messages.ts';
import type { ByteReader, ByteWriter } from './chunk-bytes.ts';
import { encodeBits, encodeNumbers, readColumn } from './chunk-columns.ts';
import { type ChunkReadings, damage, MIXED, type ReadColumn } from './chunk-format.ts';
import { encodeTexts, readTexts } from './chunk-texts.ts';
import { KIND } from './store.ts';

export function encodeValues(readings: ChunkReadings, writer: ByteWriter): readonly Uint8Array[] {
  const { kind, count } = readings;
  switch (kind) {
    case KIND.number:
      return encodeNumbers(readings.value, count, writer);
    case KIND.boolean:
      return encodeBits(readings.value, count, writer);
    case KIND.string:
      return encodeTexts(readings.value, count, writer);
    case MIXED:
      return encodeMixed(readings.value, count, writer);
  }
}

/** The rest of a chunk's readings; `planes` holds what the column takes. */
export function readValues(kind: number, reader: ByteReader, count: number): ReadColumn<Float64Array | readonly Value[]> {
  switch (kind) {
    case KIND.number:
    case KIND.boolean:
      return readColumn(reader, count);
    case KIND.string:
      return readTexts(reader, count);
    case MIXED:
      return readMixed(reader, count);
    default:
      return damage(`readings of the unknown kind ${kind}`);
  }
}

function encodeMixed(values: readonly Value[], count: number, writer: ByteWriter): readonly Uint8Array[] {
  const kinds = Float64Array.from({ length: count }, (_, i) => kindOf(values[i]!));
  const ofKind = (kind: number): Value[] => values.filter((_, i) => i < count && kinds[i] === kind);
  const numbers = Float64Array.from(ofKind(KIND.number), Number);
  const booleans = Float64Array.from(ofKind(KIND.boolean), Number);
  const texts = ofKind(KIND.string) as string[];
  for (const { length } of [numbers, booleans, texts]) writer.varint(length);
  return [
    ...encodeNumbers(kinds, count, writer),
    ...(numbers.length > 0 ? encodeNumbers(numbers, numbers.length, writer) : []),
    ...(booleans.length > 0 ? encodeBits(booleans, booleans.length, writer) : []),
    ...(texts.length > 0 ? encodeTexts(texts, texts.length, writer) : []),
  ];
}

function readMixed(reader: ByteReader, count: number): ReadColumn<readonly Value[]> {
  const counts = [KIND.number, KIND.boolean, KIND.string].map(() => reader.varint());
  if (counts.reduce((sum, one) => sum + one, 0) !== count) damage(`${counts.join(' + ')} values of different kinds in ${count} readings`);
  const kinds = readColumn(reader, count);
  const columns = counts.map((some, kind) => (some === 0 ? null : readValues(kind, reader, some)));
  return {
    bytes: columns.reduce((sum, column) => sum + (column?.bytes ?? 0), kinds.bytes),
    decode(planes) {
      let at = kinds.bytes;
      const values = columns.map((column) => {
        at += column?.bytes ?? 0;
        return column?.decode(planes.subarray(at - column.bytes, at)) ?? [];
      });
      const taken = [0, 0, 0];
      return Array.from(kinds.decode(planes.subarray(0, kinds.bytes)), (kind) => {
        const value = values[kind]?.[taken[kind]!++];
        if (value === undefined) damage('a reading of a kind that has no value left');
        return kind === KIND.boolean ? value === 1 : value;
      });
    },
  };
}

function kindOf(value: Value): number {
  if (typeof value === 'number') return KIND.number;
  return typeof value === 'boolean' ? KIND.boolean : KIND.string;
}
