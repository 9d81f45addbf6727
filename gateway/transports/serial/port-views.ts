// Every port in its place with how it is doing, for the API and the metrics: the thread's last word, and the sums that it has grown by.

import { isUtf8 } from 'node:buffer';
import type { Observe } from '../../observe.ts';
import type { SerialFrameView, SerialPortView, SerialSettings, SerialSlaveView } from '../../protocol/rest.ts';
import type { SlaveStatus } from './modbus-slave.ts';
import type { FrameCounts, SeenFrame } from './port-frames.ts';
import type { SerialPortSettings } from './port-settings.ts';
import { CLOSED, OPENING, type PortCondition } from './port-state.ts';
import type { PortSeat, PortStatus } from './serial-messages.ts';

/** A port that somebody set up, whatever its settings are at the moment. */
export interface SerialPort {
  readonly id: string;
  readonly origin: SerialPortView['origin'];
  readonly settings: SerialPortSettings;
}
/** A port with one set of settings. */
export interface SeatedPort extends SerialPort, PortSeat {
  /** It was removed or changed: what it has read still comes. */
  readonly isRetired: boolean;
  readonly status: PortStatus;
}

export interface PortViews {
  all(): readonly SerialPortView[];
  /** Who sits there; undefined for who has gone. */
  at(seat: number): SeatedPort | undefined;
  /** The seats of all ports that are to be read. */
  seats(): readonly SeatedPort[];
  /** A new seat for a port, in the place of the one that it had (null: it is new). */
  seat(port: SerialPort): { readonly now: SeatedPort; readonly before: SeatedPort | null };
  /** Takes the port out of the list; the seat that it had, or null. */
  retire(id: string): SeatedPort | null;
  gone(seat: number): void;
  /** True when the port's state is another than before. */
  update(seat: number, status: PortStatus): boolean;
  /** The thread has ended: nothing comes of retired seats any more, and the next thread counts from 0. */
  broken(): void;
}

const NO_COUNTS: FrameCounts = { bytes: 0, frames: 0, readings: 0, faults: {}, skipped: {} };
export const BROKEN: PortCondition = {
  state: 'failed',
  reason: 'the thread that reads the ports broke',
  mend: 'it is started again by itself; the log has the cause',
};

/** `isStarted`: whether a port that is new is opened at once. */
export function createPortViews(observe: Observe, isStarted: () => boolean): PortViews {
  type Own = SeatedPort & { isRetired: boolean; status: PortStatus };
  const bySeat = new Map<number, Own>();
  const byId = new Map<string, Own>();
  let lastSeat = 0;
  const bytes = observe.counterBy('fieldgate_serial_bytes_total', 'Bytes read, by port.', 'port');
  const frames = observe.counterBy('fieldgate_serial_frames_total', 'Frames found in them, by port.', 'port');
  const faults = observe.counterBy('fieldgate_serial_faults_total', 'Frames and bytes that could not be used, by code.', 'code');
  const skipped = observe.counterBy(
    'fieldgate_serial_skipped_total',
    'Frames without readings in which nothing was wrong, by reason.',
    'reason',
  );

  return {
    all: () => Array.from(byId.values(), viewOf),
    at: (seat) => bySeat.get(seat),
    seats: () => [...byId.values()],
    seat({ id, origin, settings }) {
      const before = byId.get(id) ?? null;
      if (before !== null) before.isRetired = true;
      const status = statusOf(isStarted() ? OPENING : CLOSED);
      const own: Own = { id, origin, settings, seat: ++lastSeat, isRetired: false, status };
      bySeat.set(own.seat, own);
      byId.set(id, own);
      return { now: own, before };
    },
    retire(id) {
      const own = byId.get(id);
      if (own === undefined) return null;
      own.isRetired = true;
      byId.delete(id);
      return own;
    },
    gone: (seat) => bySeat.delete(seat),
    update(seat, status) {
      const own = bySeat.get(seat);
      if (own === undefined) return false;
      const before = own.status;
      own.status = status;
      const { path } = own.settings;
      const after = status.counts;
      bytes.add(path, after.bytes - before.counts.bytes);
      frames.add(path, after.frames - before.counts.frames);
      for (const [code, n] of Object.entries(after.faults)) faults.add(code, n - (before.counts.faults[code] ?? 0));
      for (const [reason, n] of Object.entries(after.skipped)) skipped.add(reason, n - (before.counts.skipped[reason] ?? 0));
      return before.condition.state !== status.condition.state;
    },
    broken() {
      for (const own of [...bySeat.values()]) {
        if (own.isRetired) bySeat.delete(own.seat);
        else own.status = { ...own.status, counts: NO_COUNTS };
      }
    },
  };
}

export function statusOf(condition: PortCondition): PortStatus {
  return { condition, sinceMs: Date.now(), framesPerSecond: 0, counts: NO_COUNTS, seen: [], slaves: [] };
}

/** What all may see of a port. */
export function viewOf({ id, origin, settings, status }: SerialPort & { readonly status: PortStatus }): SerialPortView {
  const { path, device, baudRate, framing, rule, expectEverySeconds } = settings;
  const { condition, counts, framesPerSecond, seen, sinceMs, slaves } = status;
  return {
    id,
    origin,
    bridge: null,
    settings: settings as unknown as SerialSettings,
    path,
    device,
    ...condition,
    sinceAt: new Date(sinceMs).toISOString(),
    baudRate,
    framing: framing.kind,
    rule: rule?.kind ?? 'none',
    expectEverySeconds,
    linesPerSecond: framesPerSecond,
    bytes: counts.bytes,
    lines: counts.frames,
    readings: counts.readings,
    errors: Object.values(counts.faults).reduce((sum, n) => sum + n, 0),
    faults: counts.faults,
    skipped: counts.skipped,
    lastFrames: seen.map(frameView),
    slaves: slaves.map(slaveView),
  };
}

function slaveView({ sinceMs, lastErrorAtMs, lastAnswerAtMs, nextAskAtMs, ...facts }: SlaveStatus): SerialSlaveView {
  const at = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    ...facts,
    sinceAt: new Date(sinceMs).toISOString(),
    lastErrorAt: at(lastErrorAtMs),
    lastAnswerAt: at(lastAnswerAtMs),
    nextAskAt: at(nextAskAtMs),
  };
}

export function frameView({ raw, ...facts }: SeenFrame): SerialFrameView {
  const data = Buffer.from(raw, 'base64');
  const isText = isUtf8(data);
  return { ...facts, raw: isText ? data.toString('utf8') : raw, encoding: isText ? 'utf8' : 'base64' };
}
