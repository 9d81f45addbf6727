// Frames that came over a serial line: the same validation and the same batch as on a socket, booked under `~serial`. No pace: a line
// cannot be asked to wait, and its speed is its limit.

import type { Sender } from './batcher.ts';
import type { PresentSession } from './presence.ts';
import type { SessionHouse } from './session-house.ts';
import { takeFrame } from './take-frame.ts';
import type { FrameContext } from './validate.ts';

/** Records that a rule made of a frame, or why it made none, with the frame's bytes. `atUs`: when its last byte came. */
export type SerialFrame =
  | { readonly atUs: number; readonly records: readonly unknown[] }
  | { readonly atUs: number; readonly code: string; readonly message: string; readonly raw: Uint8Array };

/** Where frames are booked that no port says now. */
export interface StoredAs {
  readonly stream: string;
  /** Hears of every frame and record that goes to quarantine. */
  refused(code: string): void;
}

export interface SerialIngest {
  /** Resolves with true when the frames' fate is on disk, with false when the store did not take them: offer them again. */
  store(device: string, frames: readonly SerialFrame[], as?: StoredAs): Promise<boolean>;
  /**
   * A port of the device is open (null), or the reason why it is not. The device is online as long as one of them is; one that is there by a
   * socket stays as it is.
   */
  follow(device: string, path: string, absence: string | null): void;
}

export const SERIAL_STREAM = '~serial';
/** Captures that are replayed: nobody is to take them for what a port says. */
export const SERIAL_REPLAY_STREAM = '~serial-replay';

export function createSerialIngest(house: SessionHouse, isStoring: () => boolean): SerialIngest {
  const { batcher, catalogue, streams, settingsOf, noticesOf, presence, nowUs } = house;

  /** Its ports that are open, by device, and the session that stands for them. */
  const openPorts = new Map<string, Set<string>>();
  const seats = new Map<string, PresentSession>();

  function take(device: string, frames: readonly SerialFrame[], as: StoredAs | null): void {
    const notices = noticesOf(device);
    const opened = streams.open(device, as?.stream ?? SERIAL_STREAM, nowUs());
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('streams of the gateway itself are never closed');
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
        const { faults } = takeFrame(house, context, { stream, seq, records: frame.records, bytes, whole: null });
        if (as !== null) for (const fault of faults) as.refused(fault.code);
      } else {
        const { code, message, raw } = frame;
        takeFrame(house, context, { stream, seq, records: [], bytes: raw, whole: { code, message } });
        as?.refused(code);
      }
    }
  }

  return {
    store(device, frames, as) {
      if (!isStoring()) return Promise.resolve(false);
      take(device, frames, as ?? null);
      return new Promise((resolve) => {
        const sender: Sender = { settled: () => resolve(true), failed: () => resolve(false) };
        batcher.settlement(sender, null);
      });
    },
    follow(device, path, absence) {
      const open = openPorts.get(device) ?? new Set();
      if (absence === null) openPorts.set(device, open.add(path));
      else open.delete(path);
      if (open.size === 0) {
        const seated = seats.get(device);
        seats.delete(device);
        openPorts.delete(device);
        if (seated !== undefined) presence.leave(seated, absence ?? '');
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
          address: [...open].join(', '),
          connectedAtMs: enteredMs,
          stream: SERIAL_STREAM,
          software: null,
          roundTripMs: null,
          inFlight: 0,
        }),
        end: (_code, _reason, word) => presence.leave(session, word),
      };
      seats.set(device, session);
      presence.enter(session);
    },
  };
}
