// A refused row as people write it: why, and where in the device's data it stood.
import type { QuarantineView } from '../../../gateway/protocol/rest.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

/** Codes of serial ports have their words on the Serial page. */
export function codeWords(code: string): string {
  const words = text.quarantine.codes[code] ?? text.serial.outcomes[code] ?? code;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function placeWords({ stream, seq, index }: QuarantineView): string {
  const words = text.quarantine;
  const frame = seq === 0 ? words.unreadable : words.seq(formatNumber(seq));
  const name = text.device.books.reserved[stream] ?? (stream.length > 14 ? `${stream.slice(0, 12)}…` : stream);
  return [name, frame, seq === 0 ? '' : index === null ? words.whole : words.record(formatNumber(index + 1))].filter(Boolean).join(' · ');
}

/** A line that a port's framing or rule refused: bytes of its own, no SenML. */
export function isSerialLine({ stream, index, code }: QuarantineView): boolean {
  return (stream === '~serial' || stream === '~serial-replay') && index === null && text.quarantine.codes[code] === undefined;
}
