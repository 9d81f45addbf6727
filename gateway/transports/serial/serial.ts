// The serial ports as the gateway sees them: it starts the thread that reads them, has their frames stored, answers for the credit, and
// tells how each port is doing.

import { Worker } from 'node:worker_threads';
import type { Observe } from '../../observe.ts';
import type { SerialPortView } from '../../protocol/rest.ts';
import type { PortFrame } from './port-frames.ts';
import type { SerialLimits, SerialPortSettings } from './port-settings.ts';
import { createPortViews } from './port-views.ts';
import type { FromThread, PortStatus, SerialThreadData, ToThread } from './serial-messages.ts';

/** What becomes of frames, and of the news that a port's device is there. */
export interface SerialSink {
  /** Makes the device when there is none. */
  prepare(device: string): Promise<void>;
  /** Resolves with true when the frames' fate is on disk, with false when they must be offered again. */
  store(device: string, frames: readonly PortFrame[]): Promise<boolean>;
  /** How the port of a device is doing: null, it is open; else the reason why nothing comes. Said often. */
  follow(device: string, path: string, absence: string | null): void;
  recordEvent(event: { device: string; type: string; reason: string; detail: object }): void;
}

export interface SerialPorts {
  views(): readonly SerialPortView[];
  start(): Promise<void>;
  /** Closes the ports; what was read is stored before it resolves, unless that takes longer than `drainMs`. Idempotent. */
  stop(drainMs: number): Promise<void>;
}

export interface SerialOptions {
  readonly ports: readonly SerialPortSettings[];
  readonly limits: SerialLimits;
  readonly sink: SerialSink;
  readonly observe: Observe;
}

const RETRY_MS = 250;
/** A thread that broke is started again. */
const RESTART_MS = 5000;

export function createSerialPorts({ ports, limits, sink, observe }: SerialOptions): SerialPorts {
  const { log } = observe;
  const views = createPortViews(ports, observe);
  const timers = new Set<NodeJS.Timeout>();
  let worker: Worker | null = null;
  let stopping: Promise<void> | null = null;
  let onStopped: () => void = () => undefined;

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  }

  function startThread(): void {
    const data: SerialThreadData = { ports, limits };
    const own = new Worker(new URL('./serial-thread.ts', import.meta.url), { workerData: data, stdout: false, stderr: false });
    worker = own;
    own.on('message', (message: FromThread) => {
      switch (message.what) {
        case 'frames':
          store(own, message.port, message.frames);
          break;
        case 'status':
          follow(message.port, message.status);
          break;
        case 'stopped':
          onStopped();
          break;
        default:
          message satisfies never;
      }
    });
    own.on('error', (error) => log.error({ err: error }, 'The thread that reads the serial ports broke'));
    own.on('exit', () => {
      if (worker !== own) return;
      worker = null;
      onStopped();
      if (stopping !== null) return;
      for (let port = 0; port < ports.length; port++) follow(port, views.broken(port));
      later(RESTART_MS, startThread);
    });
  }

  function store(from: Worker, port: number, frames: readonly PortFrame[]): void {
    const { device } = ports[port];
    void sink.store(device, frames).then((isStored) => {
      if (!isStored) later(RETRY_MS, () => store(from, port, frames));
      else if (worker === from) from.postMessage({ what: 'taken', port } satisfies ToThread);
    });
  }

  function follow(port: number, status: PortStatus): void {
    const { device, path } = ports[port];
    const { condition } = status;
    const { state, reason, mend } = condition;
    sink.follow(device, path, state === 'open' ? null : state);
    if (!views.update(port, status)) return;
    if (state === 'opening') return;
    log[state === 'open' || state === 'closed' ? 'info' : 'warn']({ path, device, state, ...(reason && { reason, mend }) }, 'Serial port');
    sink.recordEvent({ device, type: `port-${state}`, reason, detail: { path, ...(mend && { mend }) } });
  }

  async function stop(drainMs: number): Promise<void> {
    const own = worker;
    if (own !== null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      onStopped = resolve;
      later(drainMs, resolve);
      own.postMessage({ what: 'stop' } satisfies ToThread);
      await promise;
    }
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    worker = null;
    await own?.terminate();
    for (const { device, path } of ports) sink.follow(device, path, 'closed');
  }

  return {
    views: views.all,
    async start() {
      if (ports.length === 0 || stopping !== null) return;
      for (const device of new Set(ports.map((port) => port.device))) await sink.prepare(device);
      startThread();
    },
    stop(drainMs) {
      stopping ??= stop(drainMs);
      return stopping;
    },
  };
}
