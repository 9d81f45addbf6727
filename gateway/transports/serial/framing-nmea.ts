// NMEA 0183 sentences in lines: `$…*hh` or `!…*hh`, where hh is the exclusive or of what stands between. A tag block (`\…\`, NMEA 4.00)
// before the sentence is passed over.

import type { FramingFaultCode } from './framing.ts';
import type { Deliver } from './framing-border.ts';
import { SAMPLE_BYTES } from './framing-partial.ts';

const BACKSLASH = 0x5c;
const DOLLAR = 0x24;
const EXCLAMATION = 0x21;
const ASTERISK = 0x2a;
const SPACE = 0x20;
const TAB = 0x09;
const CHECKSUM_BYTES = 3;

/** From its `$` or `!` to what stands before the `*`. */
export const deliverSentence: Deliver = (line, atUs, sink) => {
  const found = sentenceIn(line);
  if (typeof found !== 'string') sink.frame(found, atUs);
  else sink.fault({ code: found, sample: line.subarray(0, SAMPLE_BYTES), bytes: line.length }, atUs);
};

/** Its checksum shows that it is whole, as the last one of a log that ends without a line end. */
export function isSentence(line: Uint8Array): boolean {
  return typeof sentenceIn(line) !== 'string';
}

function sentenceIn(line: Uint8Array): Uint8Array | FramingFaultCode {
  const start = line[0] === BACKSLASH ? line.indexOf(BACKSLASH, 1) + 1 : 0;
  // Comments in logs, a device's greeting, noise: whatever speaks no NMEA.
  if (line[start] !== DOLLAR && line[start] !== EXCLAMATION) return 'bad-frame';
  let end = line.length;
  while (line[end - 1] === SPACE || line[end - 1] === TAB) end--;
  const asterisk = end - CHECKSUM_BYTES;
  if (asterisk <= start || line[asterisk] !== ASTERISK) return 'bad-checksum';
  const high = digit(line[asterisk + 1]);
  const low = digit(line[asterisk + 2]);
  let sum = 0;
  for (let i = start + 1; i < asterisk; i++) sum ^= line[i];
  return high >= 0 && low >= 0 && high * 16 + low === sum ? line.subarray(start, asterisk) : 'bad-checksum';
}

function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}
