// A CBOR text string's bytes to a string. The words of telemetry are short and come again and again: they are remembered, which costs a
// comparison and saves the making of a string and of its hash.

import { isUtf8 } from 'node:buffer';

const LETTERS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const REPLACEMENT = '\ufffd';
/** Longer texts are not remembered. */
const WORD_BYTES = 32;
const SLOTS = 512;
/** A word has one slot, and loses it to the next that falls into it. */
const words: string[] = Array.from({ length: SLOTS }, () => '');

/** Null when the bytes are not UTF-8. */
export function readText(input: Buffer, from: number, to: number): string | null {
  const length = to - from;
  if (length === 0) return '';
  if (length === 1 && input[from] < 0x80) return LETTERS[input[from]];
  if (length > WORD_BYTES) return decoded(input, from, to);
  const slot = (length * 31 + input[from] * 7 + input[from + (length >> 1)] * 3 + input[to - 1]) % SLOTS;
  const word = words[slot];
  if (word.length === length) {
    let i = 0;
    while (i < length && word.charCodeAt(i) === input[from + i]) i++;
    if (i === length) return word;
  }
  const text = decoded(input, from, to);
  // as many characters as bytes: ASCII, and no character is taken for a byte of another
  if (text !== null && text.length === length) words[slot] = text;
  return text;
}

function decoded(input: Buffer, from: number, to: number): string | null {
  const text = input.toString('utf8', from, to);
  // invalid bytes became replacement characters; one that was sent as such is fine
  return text.includes(REPLACEMENT) && !isUtf8(input.subarray(from, to)) ? null : text;
}
