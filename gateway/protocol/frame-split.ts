// Cuts readings into frames that keep to the gateway's limits. A frame's body is the JSON text of its array of records; the number is
// put around it when it is sent, so that a body outlives a change of stream.

import type { DeviceLimits, SenmlRecord } from './messages.ts';

export interface FrameBody {
  /** JSON array text. */
  readonly body: string;
  readonly readings: number;
}

type SizeLimits = Pick<DeviceLimits, 'frameBytes' | 'readingsPerFrame'>;

/** The longest text around a body: `{"type":"readings","seq":9007199254740991,"readings":}`, rounded up. */
const ENVELOPE_BYTES = 64;

export function readingsFrame(seq: number, body: string): string {
  return `{"type":"readings","seq":${seq},"readings":${body}}`;
}

/** One body where it fits, else halves of halves. A single record over the limit stays whole: the gateway is the one to refuse it. */
export function splitIntoFrames(records: readonly SenmlRecord[], limits: SizeLimits): FrameBody[] {
  const bodies: FrameBody[] = [];
  collect(records, limits, bodies);
  return bodies;
}

/** The parts of a body that was made under wider limits; null when it fits these too, or cannot be made smaller. */
export function splitAgain(frame: FrameBody, limits: SizeLimits): FrameBody[] | null {
  if (frame.readings <= 1 || fits(frame, limits)) return null;
  return splitIntoFrames(JSON.parse(frame.body) as SenmlRecord[], limits);
}

function collect(records: readonly SenmlRecord[], limits: SizeLimits, bodies: FrameBody[]): void {
  if (records.length === 0) return;
  if (records.length <= limits.readingsPerFrame) {
    const frame = { body: JSON.stringify(records), readings: records.length };
    if (records.length === 1 || fits(frame, limits)) {
      bodies.push(frame);
      return;
    }
  }
  // Whole multiples of the count limit first, so that a long call makes full frames; halves only where bytes are the matter.
  const cut = records.length > limits.readingsPerFrame ? Math.max(1, limits.readingsPerFrame) : records.length >> 1;
  collect(records.slice(0, cut), limits, bodies);
  collect(records.slice(cut), limits, bodies);
}

function fits(frame: FrameBody, limits: SizeLimits): boolean {
  if (frame.readings > limits.readingsPerFrame) return false;
  const room = limits.frameBytes - ENVELOPE_BYTES;
  // A UTF-16 unit is one to three bytes of UTF-8: most bodies are decided without counting.
  if (frame.body.length * 3 <= room) return true;
  return frame.body.length <= room && utf8Bytes(frame.body) <= room;
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // Half of a surrogate pair counts two: four for the pair.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
