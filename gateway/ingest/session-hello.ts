// The handshake inside a session: a hello to its stream, with what is missing in it, and the welcome that answers it.

import { CLOSE, STREAM_ID } from '../protocol/messages.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import type { JsonMessage } from './json-frame.ts';
import type { SessionHouse } from './session-house.ts';
import type { StreamEntry } from './streams.ts';

export type OpenedStream =
  | {
      readonly stream: StreamEntry;
      /** The device has seen more acknowledged than the stream has: up to here. */
      readonly forgotten: number | null;
      /** Frames that will not come any more. */
      readonly missing: { readonly from: number; readonly to: number; readonly reason: string } | null;
    }
  /** The session is closed with this. */
  | { readonly code: ProblemCode; readonly close: number; readonly expected?: number };

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const BAD: OpenedStream = { code: 'bad-message', close: CLOSE.badMessage };

export function openStream(house: SessionHouse, device: string, message: JsonMessage, atUs: number): OpenedStream {
  const { batcher, streams } = house;
  const { stream: name, oldest, next, acked: heard } = message;
  if (typeof name !== 'string' || !STREAM_ID.test(name) || /^0+$/.test(name)) return { code: 'bad-stream', close: CLOSE.badMessage };
  if (!isSeq(oldest) || !isSeq(next) || oldest > next) return BAD;
  if (heard !== undefined && !(Number.isSafeInteger(heard) && (heard as number) >= 0)) return BAD;

  const opened = streams.open(device, name, atUs);
  if (opened.outcome === 'closed') return { code: 'stream-closed', close: CLOSE.conflict };
  if (opened.outcome === 'quota') return { code: 'stream-quota', close: CLOSE.tooManyStreams };
  const { stream } = opened;
  if (opened.outcome === 'new') {
    batcher.addStream(stream);
    if (opened.retired !== null) batcher.retire(opened.retired.id);
  }
  if (next <= stream.acked) return { code: 'seq-regression', close: CLOSE.conflict, expected: stream.acked + 1 };
  stream.lastUsedAtUs = atUs;

  const expected = stream.acked + 1;
  const forgotten = heard !== undefined && (heard as number) > stream.acked ? (heard as number) : null;
  const reason = forgotten === null ? 'device-lost' : 'restored';
  return { stream, forgotten, missing: oldest > expected ? { from: expected, to: oldest - 1, reason } : null };
}

export function welcomeText(house: SessionHouse, device: string, stream: StreamEntry): string {
  const { pingSeconds, pongSeconds } = house.settingsOf(device);
  return JSON.stringify({
    type: 'welcome',
    device,
    stream: stream.stream,
    acked: stream.acked,
    store: house.catalogue.store,
    serverTimeMs: house.nowUs() / 1000,
    limits: house.deviceLimits,
    pingSeconds,
    pongSeconds,
  });
}
