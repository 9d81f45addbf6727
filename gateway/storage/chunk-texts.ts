// A column of strings: each different one once, as UTF-8 in the order of appearance, and for every reading which of them it is.

import { isUtf8 } from 'node:buffer';
import type { ByteReader, ByteWriter } from './chunk-bytes.ts';
import { encodeNumbers, readColumn } from './chunk-columns.ts';
import { damage, MAX_CHUNK_TEXT_BYTES, type ReadColumn } from './chunk-format.ts';

/** Throws for what UTF-8 can't hold, which nothing that came in as UTF-8 has. */
export function encodeTexts(values: readonly string[], count: number, writer: ByteWriter): readonly Uint8Array[] {
  const places = new Map<string, number>();
  const which = new Float64Array(count);
  const texts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    let place = places.get(value);
    if (place === undefined) {
      if (!value.isWellFormed()) throw new RangeError(`string ${i} has half a surrogate pair, which UTF-8 can't hold`);
      place = places.size;
      places.set(value, place);
      texts.push(Buffer.from(value));
    }
    which[i] = place;
  }
  const text = Buffer.concat(texts);
  if (text.length > MAX_CHUNK_TEXT_BYTES)
    throw new RangeError(`${text.length} bytes of text; a chunk holds ${MAX_CHUNK_TEXT_BYTES}: put fewer readings into it`);
  writer.varint(texts.length);
  writer.varint(text.length);
  const lengths = Float64Array.from(texts, ({ length }) => length);
  return [...encodeNumbers(which, count, writer), ...encodeNumbers(lengths, texts.length, writer), text];
}

export function readTexts(reader: ByteReader, count: number): ReadColumn<string[]> {
  const different = reader.varint();
  const textBytes = reader.varint();
  if (different === 0 || different > count) damage(`${different} different strings in ${count} readings`);
  if (textBytes > MAX_CHUNK_TEXT_BYTES) damage(`${textBytes} bytes of text, above the ${MAX_CHUNK_TEXT_BYTES} of a chunk`);
  const which = readColumn(reader, count);
  const lengths = readColumn(reader, different);
  const numbers = which.bytes + lengths.bytes;
  return {
    bytes: numbers + textBytes,
    decode(planes) {
      const texts = textsOf(planes.subarray(numbers), lengths.decode(planes.subarray(which.bytes, numbers)));
      return Array.from(which.decode(planes.subarray(0, which.bytes)), (place) => texts[place] ?? damage(`a string numbered ${place}`));
    },
  };
}

function textsOf(bytes: Uint8Array, lengths: Float64Array): string[] {
  if (!isUtf8(bytes)) damage('a text that is not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const texts = Array.from(lengths, (length) => {
    if (!(Number.isInteger(length) && length >= 0 && length <= text.length - at)) damage(`a string of ${length} bytes`);
    if (at < text.length && (text[at]! & 0xc0) === 0x80) damage('a string that begins inside a character');
    at += length;
    return text.toString('utf8', at - length, at);
  });
  return at === text.length ? texts : damage('bytes of text that belong to no string');
}
