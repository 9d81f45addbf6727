// Frames that came over a serial line: the same validation and the same batch as on a socket, booked under `~serial`. No pace: a line
// cannot be asked to wait, and its speed is its limit.

import type { Sender } from './batcher.ts';
import type { PresentSession } from './presence.ts';
import type { SessionHouse } from './session.ts';
import { takeFrame } from './take-frame.ts';
import type { FrameContext } from './validate.ts';

/** Records that a rule made of a frame, or why it made none, with the frame's bytes. `atUs`: when its last byte came. */
export type SerialFrame =
  | { readonly atUs: number; readonly records: readonly unknown[] }
  | { readonly atUs: number; readonly code: string; readonly message: string; readonly raw: Uint8Array };

export interface SerialIngest {
  /** Resolves with true when the frames' fate is on disk, with false when the store did not take them: offer them again. */
  store(device: string, frames: readonly SerialFrame[]): Promise<boolean>;
  /** The device's port is open (null), so it is online, or the reason why it is not. One that is there by a socket stays as it is. */
  follow(device: string, path: string, absence: string | null): void;
}

const SERIAL_STREAM = '~serial';

export function createSerialIngest(house: SessionHouse, isStoring: () => boolean): SerialIngest {
  const { batcher, catalogue, streams, settingsOf, noticesOf, presence, nowUs } = house;

  /** By the port's path. */
  const seats = new Map<string, PresentSession>();

  function take(device: string, frames: readonly SerialFrame[]): void {
    const notices = noticesOf(device);
    const opened = streams.open(device, SERIAL_STREAM, nowUs());
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('the stream ~serial is never closed');
    const { stream } = opened;
    if (opened.outcome === 'new') batcher.addStream(stream);
    const isGatewayClock = settingsOf(device).clock === 'gateway';
    for (const frame of frames) {
      const context: FrameContext = {
        series: catalogue.deviceSeries(device),
        receivedUs: frame.atUs,
        isGatewayClock,
        onUnitChange: notices.unitChanged,
        onClockSuspect: notices.clockSuspect,
      };
      const seq = ++stream.acked;
      if ('records' in frame) {
        // a record that is refused is kept as JSON: what came over the line is no SenML, and could not be replayed
        const bytes = Buffer.from(JSON.stringify(frame.records));
        takeFrame(house, context, { stream, seq, records: frame.records, bytes, whole: null });
      } else {
        const { code, message, raw } = frame;
        takeFrame(house, context, { stream, seq, records: [], bytes: raw, whole: { code, message } });
      }
    }
  }

  return {
    store(device, frames) {
      if (!isStoring()) return Promise.resolve(false);
      take(device, frames);
      return new Promise((resolve) => {
        const sender: Sender = { settled: () => resolve(true), failed: () => resolve(false) };
        batcher.settlement(sender, null);
      });
    },
    follow(device, path, absence) {
      const seated = seats.get(path);
      if (absence !== null) {
        seats.delete(path);
        if (seated !== undefined) presence.leave(seated, absence);
        return;
      }
      if (presence.isOnline(device)) return;
      const enteredMs = nowUs() / 1000;
      const session: PresentSession = {
        device,
        tokenId: '',
        lastFrameMs: enteredMs,
        get silentMs() {
          return nowUs() / 1000 - (presence.lastSeenMs(device) ?? enteredMs);
        },
        describe: () => ({
          address: path,
          connectedAtMs: enteredMs,
          stream: SERIAL_STREAM,
          software: null,
          roundTripMs: null,
          inFlight: 0,
        }),
        end: (_code, _reason, word) => presence.leave(session, word),
      };
      seats.set(path, session);
      presence.enter(session);
    },
  };
}
