// How each port is doing, for the API and the metrics: the thread's last word, and the sums that it has grown by.

import { isUtf8 } from 'node:buffer';
import type { Observe } from '../../observe.ts';
import type { SerialPortView } from '../../protocol/rest.ts';
import type { FrameCounts, SeenFrame } from './port-frames.ts';
import type { SerialPortSettings } from './port-settings.ts';
import { CLOSED, type PortCondition } from './port-state.ts';
import type { PortStatus } from './serial-messages.ts';

export interface PortViews {
  all(): readonly SerialPortView[];
  /** True when the port's state is another than before. */
  update(port: number, status: PortStatus): boolean;
  /** What to say of a port when the thread has ended. */
  broken(port: number): PortStatus;
}

const NO_COUNTS: FrameCounts = { bytes: 0, frames: 0, readings: 0, faults: {}, skipped: {} };
const BROKEN: PortCondition = {
  state: 'failed',
  reason: 'the thread that reads the ports broke',
  mend: 'it is started again by itself; the log has the cause',
};

export function createPortViews(ports: readonly SerialPortSettings[], observe: Observe): PortViews {
  const startedMs = Date.now();
  const latest: PortStatus[] = ports.map(() => ({
    condition: CLOSED,
    sinceMs: startedMs,
    framesPerSecond: 0,
    counts: NO_COUNTS,
    seen: [],
  }));
  const bytes = observe.counterBy('fieldgate_serial_bytes_total', 'Bytes read, by port.', 'port');
  const frames = observe.counterBy('fieldgate_serial_frames_total', 'Frames found in them, by port.', 'port');
  const faults = observe.counterBy('fieldgate_serial_faults_total', 'Frames and bytes that could not be used, by code.', 'code');
  const skipped = observe.counterBy(
    'fieldgate_serial_skipped_total',
    'Frames without readings in which nothing was wrong, by reason.',
    'reason',
  );
  observe.gauge('fieldgate_serial_ports', 'Serial ports in the configuration.', () => ports.length);
  observe.gauge('fieldgate_serial_ports_open', 'Of these, how many are open and readable.', () =>
    latest.reduce((sum, { condition }) => sum + (condition.state === 'open' ? 1 : 0), 0),
  );

  return {
    all: () => ports.map((settings, port) => viewOf(settings, latest[port])),
    update(port, status) {
      const before = latest[port];
      latest[port] = status;
      const { path } = ports[port];
      const after = status.counts;
      bytes.add(path, after.bytes - before.counts.bytes);
      frames.add(path, after.frames - before.counts.frames);
      for (const [code, n] of Object.entries(after.faults)) faults.add(code, n - (before.counts.faults[code] ?? 0));
      for (const [reason, n] of Object.entries(after.skipped)) skipped.add(reason, n - (before.counts.skipped[reason] ?? 0));
      return before.condition.state !== status.condition.state;
    },
    broken(port) {
      // the next thread counts from 0
      latest[port] = { ...latest[port], counts: NO_COUNTS };
      return { condition: BROKEN, sinceMs: Date.now(), framesPerSecond: 0, counts: NO_COUNTS, seen: [] };
    },
  };
}

function viewOf(settings: SerialPortSettings, status: PortStatus): SerialPortView {
  const { path, device, baudRate, framing, rule, expectEverySeconds } = settings;
  const { condition, counts, framesPerSecond, seen, sinceMs } = status;
  return {
    path,
    device,
    ...condition,
    sinceAt: new Date(sinceMs).toISOString(),
    baudRate,
    framing: framing.kind,
    rule: rule.kind,
    expectEverySeconds,
    linesPerSecond: framesPerSecond,
    bytes: counts.bytes,
    lines: counts.frames,
    readings: counts.readings,
    errors: Object.values(counts.faults).reduce((sum, n) => sum + n, 0),
    faults: counts.faults,
    skipped: counts.skipped,
    lastFrames: seen.map(frameOf),
  };
}

function frameOf({ raw, ...facts }: SeenFrame): SerialPortView['lastFrames'][number] {
  const data = Buffer.from(raw, 'base64');
  const isText = isUtf8(data);
  return { ...facts, raw: isText ? data.toString('utf8') : raw, encoding: isText ? 'utf8' : 'base64' };
}
