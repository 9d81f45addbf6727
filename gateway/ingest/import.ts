// A file of readings on its way into the store: through the same validation and the same batches as what devices send, as frames of the
// stream `~import-<hash of the content>`. The same content makes the same frames, so what was settled before is passed over: importing
// twice stores once, and an import that was cut off goes on where it was.

import type { Sender } from './batcher.ts';
import { ImportFault, type ImportDefaults, type ImportRow, readImport } from './import-source.ts';
import type { SessionHouse } from './session-house.ts';
import type { StreamEntry } from './streams.ts';
import { takeFrame } from './take-frame.ts';
import { createValidator, type FrameContext } from './validate.ts';

export interface ImportAsk {
  /** SHA-256 in hex of the content, and of what else decides what becomes of it. */
  readonly hash: string;
  /** Rows of others are left out; null: every device that the file names and `isKnown` knows. */
  readonly device: string | null;
  readonly defaults: ImportDefaults;
  readonly content: AsyncIterable<Uint8Array>;
  readonly isKnown: (device: string) => boolean;
  /** Asked between commits. */
  readonly isStopped: () => boolean;
  /** The counts so far, after each commit. */
  progress(counts: ImportCounts): void;
}
export interface ImportCounts {
  /** On disk now by this import, in readings. */
  stored: number;
  /** Rows that an import of the same content had settled before. */
  already: number;
  /** Rows in quarantine, by code. */
  refused: Record<string, number>;
  /** Rows without a value, of other devices, and of devices that are not here. */
  empty: number;
  foreign: number;
  unknown: number;
}
export type ImportOutcome =
  | { readonly outcome: 'whole' | 'store-unavailable' | 'stopped' }
  | { readonly outcome: 'bad-import'; readonly detail: string };
export type ImportEnd = ImportOutcome & { readonly counts: ImportCounts };

export interface Imports {
  /** Resolves when all of it is on disk, or why not; what was committed until then stays. One at a time: the caller sees to that. */
  run(ask: ImportAsk): Promise<ImportEnd>;
  /** Streams whose readings nobody is to take for news. */
  readonly streams: ReadonlySet<number>;
}

const PREFIX = '~import-';
/** Never changed: an import that was begun before an update goes on after it. */
const FRAME_RECORDS = 500;
/** Frames that a commit may have: devices wait for it, too. */
const COMMIT_FRAMES = 16;

/** A device's part of an import. */
interface Lane {
  readonly device: string;
  /** Settled when it began. */
  readonly acked: number;
  stream: StreamEntry | null;
  seq: number;
  records: object[];
}

export function createImports(house: SessionHouse, isStoring: () => boolean): Imports {
  const { batcher, catalogue, streams, limits, nowUs } = house;
  const validator = createValidator(batcher, catalogue, { ...limits, readingsPerFrame: FRAME_RECORDS });
  const taken = new Set<number>();

  function openStream(lane: Lane, name: string): StreamEntry {
    const opened = streams.open(lane.device, name, nowUs());
    if (opened.outcome !== 'known' && opened.outcome !== 'new') throw new Error('streams of the gateway itself are never closed');
    if (opened.outcome === 'new') batcher.addStream(opened.stream);
    taken.add(opened.stream.id);
    return opened.stream;
  }

  function isSettled(): Promise<boolean> {
    return new Promise((resolve) => {
      const sender: Sender = { settled: () => resolve(true), failed: () => resolve(false) };
      batcher.settlement(sender, null);
    });
  }

  async function run({ hash, device, defaults, content, isKnown, isStopped, progress }: ImportAsk): Promise<ImportEnd> {
    const name = PREFIX + hash;
    const lanes = new Map<string, Lane | null>();
    const counts: ImportCounts = { stored: 0, already: 0, refused: {}, empty: 0, foreign: 0, unknown: 0 };
    /** Of frames that are taken and not on disk. */
    let waiting = { frames: 0, stored: 0, codes: [] as string[] };

    const laneOf = (its: string): Lane | null => {
      let lane = lanes.get(its);
      if (lane === undefined) {
        const acked = streams.find(its, name)?.acked ?? 0;
        lane = isKnown(its) ? { device: its, acked, stream: null, seq: 0, records: [] } : null;
        lanes.set(its, lane);
      }
      return lane;
    };
    const send = (lane: Lane): void => {
      const { records } = lane;
      lane.records = [];
      const seq = ++lane.seq;
      if (seq <= lane.acked) {
        counts.already += records.length;
        return;
      }
      lane.stream ??= openStream(lane, name);
      const context: FrameContext = {
        series: catalogue.deviceSeries(lane.device),
        receivedUs: nowUs(),
        isGatewayClock: false,
        isImport: true,
        onUnitChange: () => undefined,
        onClockSuspect: () => undefined,
      };
      lane.stream.acked = seq;
      // a record that is refused is kept as JSON, as it would be sent
      const bytes = Buffer.from(JSON.stringify(records));
      const frame = takeFrame({ ...house, validator }, context, { stream: lane.stream, seq, records, bytes, whole: null });
      waiting.frames++;
      waiting.stored += frame.stored;
      waiting.codes.push(...frame.faults.map(({ code }) => code));
    };
    /** False when the store did not take what was sent. */
    const commit = async (): Promise<boolean> => {
      if (waiting.frames === 0) return true;
      const { stored, codes } = waiting;
      waiting = { frames: 0, stored: 0, codes: [] };
      if (!(await isSettled())) return false;
      counts.stored += stored;
      for (const code of codes) counts.refused[code] = (counts.refused[code] ?? 0) + 1;
      progress(counts);
      return true;
    };
    const add = (row: ImportRow): Lane | null => {
      const its = row.device === '' && device !== null ? device : row.device;
      if (device !== null && its !== device) {
        counts.foreign++;
        return null;
      }
      const lane = laneOf(its);
      if (lane === null) counts.unknown++;
      else lane.records.push(row.record);
      return lane;
    };
    const end = (outcome: ImportOutcome): ImportEnd => ({ ...outcome, counts });

    try {
      for await (const { rows, empty } of readImport(content, defaults)) {
        counts.empty += empty;
        for (const row of rows) {
          const lane = add(row);
          if (lane === null || lane.records.length < FRAME_RECORDS) continue;
          if (!isStoring()) return end({ outcome: 'store-unavailable' });
          send(lane);
          if (waiting.frames >= COMMIT_FRAMES && !(await commit())) return end({ outcome: 'store-unavailable' });
        }
        if (isStopped()) return end((await commit()) ? { outcome: 'stopped' } : { outcome: 'store-unavailable' });
      }
      for (const lane of lanes.values()) {
        if (lane === null || lane.records.length === 0) continue;
        if (!isStoring()) return end({ outcome: 'store-unavailable' });
        send(lane);
        if (waiting.frames >= COMMIT_FRAMES && !(await commit())) return end({ outcome: 'store-unavailable' });
      }
      return end((await commit()) ? { outcome: 'whole' } : { outcome: 'store-unavailable' });
    } catch (error) {
      if (!(error instanceof ImportFault)) throw error;
      return end((await commit()) ? { outcome: 'bad-import', detail: error.message } : { outcome: 'store-unavailable' });
    } finally {
      // a number that never came on disk is given to another stream
      if (waiting.frames === 0) taken.clear();
    }
  }

  return { run, streams: taken };
}
