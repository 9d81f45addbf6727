// A SenML pack that came by POST: the same validation and the same batch as on a socket, answered through a promise. A request settles as a
// whole or not at all: the gap that it declares, the frame, and the hash by which the same request is known when it comes again.

import { createHash } from 'node:crypto';
import type { RecordFault } from '../protocol/messages.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import type { Sender } from './batcher.ts';
import { readCbor } from './cbor-frame.ts';
import { type Unreadable, readJson } from './json-frame.ts';
import { quarantineFrame } from './quarantine.ts';
import type { SessionHouse } from './session-house.ts';
import type { StreamEntry } from './streams.ts';
import { READING_BYTES, takeFrame } from './take-frame.ts';
import { type FrameContext, wholeFault } from './validate.ts';

export interface DeclaredGap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}
/** A request's place in a stream; `seq` null: it only declares a gap. */
export interface NumberedPost {
  readonly stream: string;
  readonly seq: number | null;
  readonly gap: DeclaredGap | null;
}
export interface PackForm {
  readonly isCbor?: boolean;
  /** Left out: at least once, booked under `~http`. */
  readonly numbered?: NumberedPost;
}

/** `acked` is of the stream that was named, else of `~http`, and on disk. */
export type PackResult =
  | { readonly outcome: 'settled'; readonly stored: number; readonly errors: readonly RecordFault[]; readonly acked: number }
  /** It was settled before, by the same bytes. */
  | { readonly outcome: 'duplicate'; readonly acked: number }
  /** Not SenML at all; nothing was settled, though what could be read is in quarantine. */
  | { readonly outcome: 'unreadable'; readonly code: ProblemCode; readonly detail: string; readonly acked: number }
  | { readonly outcome: 'refused'; readonly code: ProblemCode; readonly acked: number }
  | { readonly outcome: 'store-unavailable' };

export interface PackIngest {
  /** Takes it before it returns; resolves once its fate is on disk. */
  store(device: string, body: Uint8Array, form?: PackForm): Promise<PackResult>;
  /** What of a stream is settled on disk, `~http` where none is named; null when the store can't say. */
  acked(device: string, stream: string | null): Promise<number | null>;
}

const HTTP_STREAM = '~http';
const UNAVAILABLE: PackResult = { outcome: 'store-unavailable' };

export function createPackIngest(house: SessionHouse, isStoring: () => boolean): PackIngest {
  const { batcher, catalogue, streams, limits, settingsOf, noticesOf, presence, flow, frameWatch, paceOf, nowUs } = house;

  function openOwn(device: string, receivedUs: number): StreamEntry {
    const opened = streams.open(device, HTTP_STREAM, receivedUs);
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('the stream ~http is never closed');
    if (opened.outcome === 'new') batcher.addStream(opened.stream);
    return opened.stream;
  }

  function readPack(body: Uint8Array, isCbor: boolean): { records: readonly unknown[]; whole: RecordFault | null } | Unreadable {
    const frame = isCbor ? readCbor(body, limits) : readJson(body, limits);
    if ('unreadable' in frame) return frame;
    if ('message' in frame) return { unreadable: 'bad-shape', detail: 'A pack is an array.' };
    return { records: frame.pack, whole: frame.isForbidden ? wholeFault('forbidden-key') : null };
  }

  function take(
    device: string,
    stream: StreamEntry,
    seq: number,
    pack: { records: readonly unknown[]; whole: RecordFault | null; bytes: Uint8Array },
  ): PackResult {
    const receivedUs = nowUs();
    const notices = noticesOf(device);
    const context: FrameContext = {
      series: catalogue.deviceSeries(device),
      receivedUs,
      isGatewayClock: settingsOf(device).clock === 'gateway',
      onUnitChange: notices.unitChanged,
      onClockSuspect: notices.clockSuspect,
    };
    stream.acked = seq;
    const { stored, faults } = takeFrame(house, context, { stream, seq, ...pack });
    if (frameWatch.isOn)
      frameWatch.saw(device, receivedUs, { kind: 'post', stream: stream.stream, seq, bytes: pack.bytes, stored, faults });
    paceOf(device).spend(pack.records.length, receivedUs);
    return { outcome: 'settled', stored, errors: faults, acked: seq };
  }

  function refuseUnreadable(device: string, known: StreamEntry | null, { unreadable, detail }: Unreadable, body: Uint8Array): PackResult {
    const receivedAtUs = nowUs();
    const stream = known ?? openOwn(device, receivedAtUs);
    if (body.length > 0) quarantineFrame(batcher, { device, stream: stream.id, seq: 0, receivedAtUs }, wholeFault(unreadable), body);
    if (frameWatch.isOn) {
      const faults = [{ code: unreadable }];
      frameWatch.saw(device, receivedAtUs, { kind: 'unreadable', stream: stream.stream, seq: null, bytes: body, stored: 0, faults });
    }
    paceOf(device).spend(0, receivedAtUs);
    return { outcome: 'unreadable', code: unreadable, detail, acked: known?.acked ?? 0 };
  }

  function takeBare(device: string, body: Uint8Array, isCbor: boolean): PackResult {
    const stream = openOwn(device, nowUs());
    const pack = readPack(body, isCbor);
    if ('unreadable' in pack) return refuseUnreadable(device, stream, pack, body);
    return take(device, stream, stream.acked + 1, { ...pack, bytes: body });
  }

  function takeNumbered(device: string, body: Uint8Array, isCbor: boolean, { stream: name, seq, gap }: NumberedPost): PackResult {
    const known = streams.find(device, name);
    const acked = known?.acked ?? 0;
    const refuse = (code: ProblemCode): PackResult => ({ outcome: 'refused', code, acked });
    if (house.presence.connection(device)?.stream === name) return refuse('stream-in-use');

    const last = seq ?? (gap as DeclaredGap).to;
    // with its seq: frames that came by the socket meanwhile leave the hash as it was
    const bodyHash = `${last}:${hashOf(seq === null ? JSON.stringify(gap) : body)}`;
    if (last === acked && known?.bodyHash === bodyHash) return { outcome: 'duplicate', acked };
    if (known?.retired === true) return refuse('stream-closed');
    if (gap !== null && gap.from !== acked + 1) return refuse('bad-gap');
    const expected = gap === null ? acked + 1 : gap.to + 1;
    if (seq !== null && seq !== expected) return refuse(seq < expected ? 'seq-regression' : 'seq-gap');
    const pack = seq === null ? null : readPack(body, isCbor);
    if (pack !== null && 'unreadable' in pack) {
      const refused = refuseUnreadable(device, known ?? null, pack, body);
      return { ...refused, acked } as PackResult;
    }

    const receivedUs = nowUs();
    const opened = streams.open(device, name, receivedUs, presence.connection(device)?.stream);
    if (opened.outcome === 'closed') return refuse('stream-closed');
    if (opened.outcome === 'quota') return refuse('stream-quota');
    const { stream } = opened;
    if (opened.outcome === 'new') {
      batcher.addStream(stream);
      if (opened.retired !== null) batcher.retire(opened.retired.id);
    }
    let result: PackResult = { outcome: 'settled', stored: 0, errors: [], acked: last };
    if (gap !== null) {
      batcher.addGap({ stream: stream.id, fromSeq: gap.from, toSeq: gap.to, reason: gap.reason, declaredAtUs: receivedUs });
      batcher.mark(stream, gap.to);
      stream.acked = gap.to;
      stream.lastUsedAtUs = receivedUs;
    }
    if (pack !== null) result = take(device, stream, last, { ...pack, bytes: body });
    else paceOf(device).spend(0, receivedUs);
    stream.bodyHash = bodyHash;
    batcher.addBodyHash(stream.id, bodyHash);
    return result;
  }

  /** With the open batch: what was said so far of these streams is on disk then, also what an earlier request brought. */
  function settled<T>(bytes: number, result: T): Promise<T | null> {
    return new Promise((resolve) => {
      const over = (answer: T | null): void => {
        flow.add(-bytes);
        resolve(answer);
      };
      const sender: Sender = { settled: () => over(result), failed: () => over(null) };
      flow.add(bytes);
      batcher.settlement(sender, null);
    });
  }

  return {
    async store(device, body, { isCbor = false, numbered } = {}) {
      if (!isStoring()) return UNAVAILABLE;
      const result = numbered === undefined ? takeBare(device, body, isCbor) : takeNumbered(device, body, isCbor, numbered);
      const stored = result.outcome === 'settled' ? result.stored : 0;
      return (await settled(body.length + stored * READING_BYTES, result)) ?? UNAVAILABLE;
    },
    async acked(device, stream) {
      if (!isStoring()) return null;
      return settled(0, streams.find(device, stream ?? HTTP_STREAM)?.acked ?? 0);
    },
  };
}

function hashOf(body: Uint8Array | string): string {
  return createHash('sha256').update(body).digest('hex');
}
