// What a framing and a rule make of bytes that are there all at once: the workbench, and one line that is looked at again. The same
// framers and rules as a port's, without one.

import { setImmediate as turn } from 'node:timers/promises';
import type { SerialTried, SerialTriedFrame } from '../../protocol/rest.ts';
import { createFramer } from './framing-factory.ts';
import { deliverSentence } from './framing-nmea.ts';
import { type SeenResult, shown } from './port-book.ts';
import { type HeardSettings, heardSettings, type SerialLimits, type SerialPortSettings } from './port-settings.ts';
import { frameView } from './port-views.ts';
import type { RuleResult } from './rules.ts';
import { createRule } from './rules-factory.ts';

const MOST_FRAMES = 200;
/** Between two turns of the event loop: some patterns take tens of milliseconds for a line. */
const SLICE_BYTES = 2048;

export interface Trial extends HeardSettings {
  readonly bytes: Uint8Array;
}

/** The end of the bytes is silence: a frame that ends by it is complete, another one is begun and not finished. */
export async function tryOut({ framing, rule, bytes }: Trial, limits: SerialLimits, atUs: number): Promise<SerialTried> {
  const framer = createFramer(framing, { maxBytes: limits.serialLineBytes, staleUs: limits.serialGapSeconds * 1e6 });
  const reader = createRule(rule, { isVerified: framing.kind === 'nmea' });
  const frames: SerialTriedFrame[] = [];
  let found = 0;
  let hasMore = false;
  const isFull = (): boolean => found === MOST_FRAMES;
  const see = (raw: Uint8Array, length: number, result: SeenResult): void => {
    found++;
    const records = result.outcome === 'readings' ? result.records : [];
    frames.push({ ...frameView(shown({ number: found, atUs, raw: raw.slice(0, SHOWN_BYTES), bytes: length, result })), records });
  };
  const sink = {
    frame(frame: Uint8Array): void {
      if (isFull()) hasMore = true;
      else see(frame, frame.length, reader.read(frame, atUs));
    },
    fault({ code, sample, bytes: dropped }: { code: string; sample: Uint8Array; bytes: number }): void {
      if (isFull()) hasMore = true;
      else see(sample, dropped, { outcome: 'refused', code, message: '' });
    },
  };
  for (let from = 0; from < bytes.length && !hasMore; from += SLICE_BYTES) {
    if (from > 0) await turn();
    framer.push(bytes.subarray(from, from + SLICE_BYTES), atUs, sink);
  }
  framer.idle(atUs, sink);
  return { frames, more: hasMore };
}
/** As much of a frame as a port shows of its last ones. */
const SHOWN_BYTES = 160;

/** A frame that was refused once, as it is or amended, by the rule that its port has now. */
export function readAgain(
  settings: Pick<SerialPortSettings, 'framing' | 'rule'>,
  { bytes, atUs, wasUnverified }: { bytes: Uint8Array; atUs: number; wasUnverified: boolean },
): RuleResult {
  const heard = heardSettings(settings);
  if (heard === null)
    return { outcome: 'refused', code: 'no-match', message: 'On a Modbus bus an answer means nothing without its request.' };
  const { framing, rule } = heard;
  const isVerified = framing.kind === 'nmea';
  const reader = createRule(rule, { isVerified });
  if (!isVerified) return reader.read(bytes, atUs);
  // what was kept has lost its checksum, where that was right; where it was wrong, it has to be right now
  let result: RuleResult | null = null;
  deliverSentence(bytes, atUs, {
    frame: (sentence) => {
      result = reader.read(sentence, atUs);
    },
    fault: ({ code }) => {
      if (wasUnverified && code === 'bad-checksum') result = { outcome: 'refused', code, message: 'The checksum is wrong or missing.' };
    },
  });
  return result ?? reader.read(bytes, atUs);
}
