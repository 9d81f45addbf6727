// The bytes of the workbench: written as text or as hex, and those that a port has said last.
import type { SerialPortView, SerialTry } from '../../../gateway/protocol/rest.ts';
import { bytesBase64, hexOf, readHex } from './frame-text.ts';

export interface BenchBytes {
  readonly format: 'text' | 'hex';
  readonly written: string;
}
type Raw = Pick<SerialTry, 'raw' | 'encoding'>;

/** Framings whose frames are lines: what is pasted rarely has its last line end. */
const LINES = new Set(['line', 'nmea']);
export const isOfLines = (framing: string): boolean => LINES.has(framing);

/** `wrong`: a word that is no hex. null: nothing is written. */
export function rawOf({ format, written }: BenchBytes, framing: string): Raw | { readonly wrong: string } | null {
  if (written.trim() === '') return null;
  if (format === 'text') return { raw: isOfLines(framing) && !written.endsWith('\n') ? `${written}\n` : written, encoding: 'utf8' };
  const bytes = readHex(written);
  return 'wrong' in bytes ? bytes : { raw: bytesBase64(bytes), encoding: 'base64' };
}

/** The same bytes, written the other way; null when they are no text, or no bytes. */
export function rewritten({ format, written }: BenchBytes): BenchBytes | null {
  if (format === 'text') return { format: 'hex', written: hexOf(new TextEncoder().encode(written)) };
  const bytes = readHex(written);
  if ('wrong' in bytes) return null;
  try {
    return { format: 'text', written: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return null;
  }
}

/** What a port has said last, as lines; '' when its frames are none. Frames of which only the beginning is known are left out. */
export function lastLines({ framing, lastFrames }: SerialPortView): string {
  if (!isOfLines(framing)) return '';
  const whole = lastFrames.filter(({ raw, encoding, bytes }) => encoding === 'utf8' && new TextEncoder().encode(raw).byteLength === bytes);
  // a sentence whose checksum was right came without it
  return whole.map(({ raw, outcome }) => (framing === 'nmea' && outcome !== 'bad-checksum' ? withChecksum(raw) : raw)).join('\n');
}

function withChecksum(sentence: string): string {
  if (sentence.includes('*')) return sentence;
  let sum = 0;
  for (const byte of new TextEncoder().encode(sentence.replace(/^[$!]/, ''))) sum ^= byte;
  return `${sentence}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
}
