// What was refused, once more, by today's rules: as it was sent or amended, through the same validation and the same batch, as a frame of
// the device's stream `~replay`. The row is marked in the commit that stores its readings, so it is stored once.

import type { EventType } from '../protocol/event-types.ts';
import type { RecordFault } from '../protocol/messages.ts';
import { PROBLEMS } from '../protocol/problems.ts';
import type { QuarantinedItem, ReadingStore } from '../storage/store.ts';
import type { Sender } from './batcher.ts';
import { readCbor } from './cbor-frame.ts';
import { readJson } from './json-frame.ts';
import { type BaseFields, quarantineRecords } from './quarantine.ts';
import { SERIAL_REPLAY_STREAM, SERIAL_STREAM } from './serial.ts';
import { createReplayTrials, refusedTrial, type ReplayTrial } from './replay-trial.ts';
import type { SessionHouse } from './session-house.ts';
import { type FrameContext, wholeFault } from './validate.ts';

export type ReplayResult =
  | { readonly outcome: 'settled'; readonly stored: number; readonly errors: readonly RecordFault[] }
  | { readonly outcome: 'already' }
  /** Nothing of it can be stored by today's rules; the row stays as it was. */
  | { readonly outcome: 'still-refused'; readonly errors: readonly RecordFault[] }
  /** It is a line of a serial port, and the device has none here whose rule could read it. */
  | { readonly outcome: 'no-port' }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'store-unavailable' };

/** What a port of the device makes today of a line that its rule refused. */
export type LineReader = (device: string, line: RefusedLine) => LineResult;
export interface RefusedLine {
  readonly bytes: Uint8Array;
  readonly atUs: number;
  /** It is as it was, and its checksum was wrong or missing. */
  readonly wasUnverified: boolean;
}
export type LineResult =
  | { readonly outcome: 'readings'; readonly records: readonly unknown[] }
  | { readonly outcome: 'skipped'; readonly reason: string }
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string }
  | { readonly outcome: 'no-port' };

export interface Replays {
  /** The row, or null. */
  find(id: number): Promise<QuarantinedItem | null>;
  /** `amended` is text in the place of what was sent: JSON, or a line where a serial port's was refused. Resolves when it is on disk. */
  replay(id: number, amended: string | null): Promise<ReplayResult>;
  /** What a replay would do now; nothing is stored. */
  tryOut(row: QuarantinedItem, amended: string | null): ReplayTrial | 'no-port';
  /** Throws rows of one device away; false when the store can't do it now. */
  discard(device: string, ids: readonly number[]): Promise<boolean>;
}

const REPLAY_STREAM = '~replay';
const UNVERIFIED = 'bad-checksum';

export interface ReplayOptions {
  readonly store: ReadingStore;
  readonly isStoring: () => boolean;
  readonly readLine: LineReader;
}

export function createReplays(house: SessionHouse, { store, isStoring, readLine }: ReplayOptions): Replays {
  const { batcher, catalogue, streams, validator, limits, settingsOf, noticesOf, refusals, nowUs } = house;
  /** Rows whose replay is under way: whoever asks for one again waits for its end. */
  const underWay = new Map<number, Promise<ReplayResult>>();

  async function find(id: number): Promise<QuarantinedItem | null> {
    const { items } = await store.read('quarantine', { device: '', code: '', limit: 1, before: id + 1 });
    return items[0]?.id === id ? items[0] : null;
  }

  async function replayOne(id: number, amended: string | null): Promise<ReplayResult> {
    const row = await find(id);
    if (row === null) return { outcome: 'unknown' };
    if (row.replayedAtUs !== null) return { outcome: 'already' };
    if (!isStoring()) return { outcome: 'store-unavailable' };
    const bytes = amended === null ? Buffer.from(row.raw, row.encoding) : Buffer.from(amended);
    const result = isLine(row) ? takeLine(row, bytes, amended !== null) : takeFrame(row, bytes);
    if (result.outcome !== 'settled') return result;
    return (await isSettled()) ? result : { outcome: 'store-unavailable' };
  }

  function takeLine(row: QuarantinedItem, bytes: Uint8Array, isAmended: boolean): ReplayResult {
    const wasUnverified = !isAmended && row.code === UNVERIFIED;
    const result = readLine(row.device, { bytes, atUs: row.receivedAtUs, wasUnverified });
    switch (result.outcome) {
      case 'readings':
        return take(row, { records: result.records, bytes: Buffer.from(JSON.stringify(result.records)), base: {} });
      case 'skipped':
        return stillRefused([{ code: result.reason, message: 'There is nothing in it to store.' }]);
      case 'refused':
        return stillRefused([{ code: result.code, message: result.message }]);
      case 'no-port':
        return result;
      default:
        return result satisfies never;
    }
  }

  function takeFrame(row: QuarantinedItem, bytes: Uint8Array): ReplayResult {
    const read = readFrame(row, bytes);
    return 'faults' in read ? stillRefused(read.faults) : take(row, read);
  }
  function readFrame(row: QuarantinedItem, bytes: Uint8Array): Taken | { readonly faults: readonly RecordFault[] } {
    const frame = bytes[0] > 0x7f ? readCbor(bytes, limits) : readJson(bytes, limits);
    if ('unreadable' in frame) return { faults: [wholeFault(frame.unreadable)] };
    if (frame.isForbidden) return { faults: [wholeFault('forbidden-key')] };
    const base: BaseFields = row.base === '' ? {} : (JSON.parse(row.base) as BaseFields);
    return { records: withBase(base, 'pack' in frame ? frame.pack : recordsOf(frame.message)), bytes, base };
  }

  function take(row: QuarantinedItem, { records, bytes, base }: Taken): ReplayResult {
    const { device } = row;
    const notices = noticesOf(device);
    const context: FrameContext = {
      series: catalogue.deviceSeries(device),
      receivedUs: row.receivedAtUs,
      isGatewayClock: settingsOf(device).clock === 'gateway',
      isReplay: true,
      onUnitChange: notices.unitChanged,
      onClockSuspect: notices.clockSuspect,
    };
    batcher.beginFrame();
    const faults = validator.read(records, context);
    const stored = batcher.frameReadings;
    if (stored === 0) return stillRefused(faults);

    const stream = openOwn(device);
    const seq = ++stream.acked;
    for (const { code } of faults) refusals.add(code);
    if (faults.length > 0) {
      quarantineRecords(batcher, { device, stream: stream.id, seq, receivedAtUs: row.receivedAtUs }, { faults, records, bytes, base });
    }
    batcher.endFrame(stream, seq, faults.length, row.receivedAtUs);
    batcher.markReplayed(row.id, nowUs());
    tell(device, 'quarantine-replayed', row.code, { quarantined: row.id, stored, refused: faults.length });
    return { outcome: 'settled', stored, errors: faults };
  }

  function openOwn(device: string) {
    const opened = streams.open(device, REPLAY_STREAM, nowUs());
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('the stream ~replay is never closed');
    if (opened.outcome === 'new') batcher.addStream(opened.stream);
    return opened.stream;
  }
  function tell(device: string, type: EventType, reason: string, detail: object): void {
    batcher.addEvent({ atUs: nowUs(), device, type, reason, detail: JSON.stringify(detail) });
  }
  function isSettled(): Promise<boolean> {
    return new Promise((resolve) => {
      const sender: Sender = { settled: () => resolve(true), failed: () => resolve(false) };
      batcher.settlement(sender, null);
    });
  }

  const trials = createReplayTrials(house);
  function tryOut(row: QuarantinedItem, amended: string | null): ReplayTrial | 'no-port' {
    const bytes = amended === null ? Buffer.from(row.raw, row.encoding) : Buffer.from(amended);
    if (!isLine(row)) {
      const read = readFrame(row, bytes);
      return 'faults' in read ? refusedTrial(read.faults) : trials.read(row, read.records);
    }
    const line = readLine(row.device, { bytes, atUs: row.receivedAtUs, wasUnverified: amended === null && row.code === UNVERIFIED });
    if (line.outcome === 'no-port') return 'no-port';
    if (line.outcome === 'readings') return trials.read(row, line.records);
    return refusedTrial([
      line.outcome === 'skipped'
        ? { code: line.reason, message: 'There is nothing in it to store.' }
        : { code: line.code, message: line.message },
    ]);
  }

  return {
    find,
    tryOut,
    async replay(id, amended) {
      for (let first = underWay.get(id); first !== undefined; first = underWay.get(id)) {
        if ((await first).outcome === 'settled') return { outcome: 'already' };
      }
      const mine = replayOne(id, amended).finally(() => underWay.delete(id));
      underWay.set(id, mine);
      return mine;
    },
    async discard(device, ids) {
      if (!isStoring()) return false;
      batcher.discardQuarantined(ids);
      tell(device, 'quarantine-discarded', 'operator', { rows: ids.length });
      return isSettled();
    },
  };
}

interface Taken {
  readonly records: readonly unknown[];
  readonly bytes: Uint8Array;
  readonly base: BaseFields;
}

/** Refused by a port's framing or rule, whose codes are their own: the bytes of a line, no SenML. */
function isLine({ stream, index, code }: QuarantinedItem): boolean {
  return (stream === SERIAL_STREAM || stream === SERIAL_REPLAY_STREAM) && index < 0 && !Object.hasOwn(PROBLEMS, code);
}

function stillRefused(errors: readonly RecordFault[]): ReplayResult {
  return { outcome: 'still-refused', errors };
}

/** A message's readings, or one record alone. */
function recordsOf(message: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(message.readings) ? message.readings : [message];
}

/** The first record says what was in force before it, where it does not say otherwise itself. */
function withBase(base: BaseFields, records: readonly unknown[]): readonly unknown[] {
  const [first, ...rest] = records;
  const isRecord = typeof first === 'object' && first !== null && !Array.isArray(first) && !(first instanceof Uint8Array);
  return isRecord ? [{ ...base, ...first }, ...rest] : records;
}
