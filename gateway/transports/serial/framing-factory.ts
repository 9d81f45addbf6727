// From settings to a framer: the one place that knows every framing.

import type { Framer, FramingLimits } from './framing.ts';
import { type BorderedFrames, createBorderedGatherer, createSequence, type Deliver, LINE_END } from './framing-border.ts';
import { decodeCobs } from './framing-cobs.ts';
import { createGapGatherer } from './framing-gap.ts';
import { deliverSentence, isSentence } from './framing-nmea.ts';
import { SAMPLE_BYTES } from './framing-partial.ts';
import { type FramingSettings, HEX_PATTERN } from './framing-settings.ts';
import { createTimedFramer, type Gatherer } from './framing-silence.ts';
import { createSizedGatherer, prefixedSize } from './framing-sized.ts';
import { decodeSlip, SLIP_END } from './framing-slip.ts';

const COBS_END = 0;

/** `limits.maxBytes` counts bytes on the wire: escapes and stuffing are in it, borders are not. */
export function createFramer(settings: FramingSettings, limits: FramingLimits): Framer {
  return createTimedFramer(gathererOf(settings, limits), settings.kind === 'gap' ? settings.gapMs * 1000 : limits.staleUs);
}

function gathererOf(settings: FramingSettings, limits: FramingLimits): Gatherer {
  const bordered = (frames: BorderedFrames): Gatherer => createBorderedGatherer(frames, limits);
  const ending = (byte: number): BorderedFrames['border'] => createSequence(Uint8Array.of(byte));
  switch (settings.kind) {
    case 'line':
      return bordered({ border: LINE_END, deliver: deliverAsItIs });
    case 'nmea':
      return bordered({ border: LINE_END, deliver: deliverSentence, isWhole: isSentence });
    case 'delimiter':
      return bordered({ border: createSequence(bytesOf(settings.delimiterHex)), deliver: deliverAsItIs });
    case 'slip':
      return bordered({ border: ending(SLIP_END), deliver: deliverDecoded(decodeSlip, limits) });
    case 'cobs':
      return bordered({ border: ending(COBS_END), deliver: deliverDecoded(decodeCobs, limits) });
    case 'fixed':
      return createSizedGatherer({ sync: bytesOf(settings.syncHex), headerBytes: 0, size: () => settings.lengthBytes }, limits);
    case 'length-prefixed': {
      const headerBytes = settings.offsetBytes + settings.sizeBytes;
      return createSizedGatherer({ sync: bytesOf(settings.syncHex), headerBytes, size: prefixedSize(settings) }, limits);
    }
    case 'gap':
      return createGapGatherer(limits);
    default:
      throw new Error(`no framing is called ${JSON.stringify(settings satisfies never)}`);
  }
}

const deliverAsItIs: Deliver = (bytes, atUs, sink) => sink.frame(bytes, atUs);

function deliverDecoded(decode: (bytes: Uint8Array, into: Uint8Array) => number | null, { maxBytes }: FramingLimits): Deliver {
  // Neither decoder makes more bytes than it is given.
  const decoded = new Uint8Array(maxBytes);
  return (bytes, atUs, sink) => {
    const length = decode(bytes, decoded);
    if (length !== null) sink.frame(decoded.subarray(0, length), atUs);
    else sink.fault({ code: 'bad-frame', sample: bytes.subarray(0, SAMPLE_BYTES), bytes: bytes.length }, atUs);
  };
}

function bytesOf(hex: string): Uint8Array {
  // A check of the configuration comes first; without it a slip would silently be another delimiter.
  if (!HEX_PATTERN.test(hex)) throw new Error(`${JSON.stringify(hex)} is not pairs of hexadecimal digits`);
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
