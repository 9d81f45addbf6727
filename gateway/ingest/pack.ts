// A SenML pack that came by POST: the same validation and the same batch as on a socket, answered through a promise.

import type { RecordFault } from '../protocol/messages.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import type { Sender } from './batcher.ts';
import { readJson } from './json-frame.ts';
import { quarantineFrame } from './quarantine.ts';
import type { SessionHouse } from './session.ts';
import { takeFrame } from './take-frame.ts';
import { type FrameContext, wholeFault } from './validate.ts';

export type PackResult =
  | { readonly outcome: 'settled'; readonly stored: number; readonly errors: readonly RecordFault[] }
  /** Not SenML at all; nothing was settled, though what could be read is in quarantine. */
  | { readonly outcome: 'unreadable'; readonly code: ProblemCode; readonly detail: string }
  | { readonly outcome: 'store-unavailable' };

export function createPackIngest(house: SessionHouse): (device: string, body: Uint8Array) => Promise<PackResult> {
  const { batcher, catalogue, streams, limits, settingsOf, noticesOf, refusals, nowUs } = house;

  return (device, body) => {
    const receivedUs = nowUs();
    const opened = streams.open(device, '~http', receivedUs);
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('the stream ~http is never closed');
    const { stream } = opened;
    if (opened.outcome === 'new') batcher.addStream(stream);
    const frame = readJson(body, limits);
    const records = 'pack' in frame ? frame.pack : null;
    const whole = 'pack' in frame && frame.isForbidden ? wholeFault('forbidden-key') : null;
    let result: PackResult;
    if (records === null) {
      const { unreadable, detail } = 'unreadable' in frame ? frame : { unreadable: 'bad-shape' as const, detail: 'A pack is an array.' };
      refusals.add(unreadable);
      if (body.length > 0)
        quarantineFrame(batcher, { device, stream: stream.id, seq: 0, receivedAtUs: receivedUs }, wholeFault(unreadable), body);
      result = { outcome: 'unreadable', code: unreadable, detail };
    } else {
      const notices = noticesOf(device);
      const context: FrameContext = {
        series: catalogue.deviceSeries(device),
        receivedUs,
        isGatewayClock: settingsOf(device).clock === 'gateway',
        onUnitChange: notices.unitChanged,
        onClockSuspect: notices.clockSuspect,
      };
      const { stored, faults } = takeFrame(house, context, { stream, seq: ++stream.acked, records, bytes: body, whole });
      result = { outcome: 'settled', stored, errors: faults };
    }
    return new Promise((resolve) => {
      const sender: Sender = { settled: () => resolve(result), failed: () => resolve({ outcome: 'store-unavailable' }) };
      batcher.settlement(sender, null);
    });
  };
}
