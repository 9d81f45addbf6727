// The serial ports as the gateway sees them: it starts the thread that reads them, has their frames stored, answers for the credit, and
// tells how each port is doing. Ports come and go while it runs.

import { type MessagePort, Worker } from 'node:worker_threads';
import type { Observe } from '../../observe.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { SerialPortView } from '../../protocol/rest.ts';
import type { CaptureOrder } from './capture-taps.ts';
import { createLendingHolder } from './lent-holder.ts';
import type { SlaveEvent } from './modbus-slave.ts';
import type { PortFrame } from './port-frames.ts';
import { nativeHolder } from './port-holder.ts';
import type { SerialLimits } from './port-settings.ts';
import { BROKEN, createPortViews, type SeatedPort, type SerialPort, statusOf } from './port-views.ts';
import type { FromThread, PortStatus, SerialThreadData, ToThread } from './serial-messages.ts';

/** What becomes of frames, and of the news that a port's device is there. */
export interface SerialSink {
  /** Resolves with true when the frames' fate is on disk, with false when they must be offered again. */
  store(device: string, frames: readonly PortFrame[]): Promise<boolean>;
  /** How the port of a device is doing: null, it is open; else the reason why nothing comes. Said often. */
  follow(device: string, path: string, absence: string | null): void;
  recordEvent(event: { device: string; type: EventType; reason: string; detail: object }): void;
}

export interface SerialPorts {
  views(): readonly SerialPortView[];
  /** From now on ports are opened. */
  start(): void;
  /** Reads a port, or goes on with other settings where there is one of that id: then it is opened anew. */
  put(port: SerialPort): void;
  /** Reads it no more; what it has read is stored. False when there is none. */
  remove(id: string): boolean;
  /** Has the thread capture a port into a channel; false when there is no thread. */
  tap(order: CaptureOrder, channel: MessagePort): boolean;
  /** Closes the ports; what was read is stored before it resolves, unless that takes longer than `drainMs`. Idempotent. */
  stop(drainMs: number): Promise<void>;
}

export interface SerialOptions {
  readonly limits: SerialLimits;
  readonly sink: SerialSink;
  readonly observe: Observe;
}

const RETRY_MS = 250;
/** A thread that broke is started again. */
const RESTART_MS = 5000;

export function createSerialPorts({ limits, sink, observe }: SerialOptions): SerialPorts {
  const { log } = observe;
  const views = createPortViews(observe, () => isStarted);
  const timers = new Set<NodeJS.Timeout>();
  let isStarted = false;
  let worker: Worker | null = null;
  let isRestarting = false;
  let stopping: Promise<void> | null = null;
  let onStopped: () => void = () => undefined;

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  }

  /** Where there is nothing to read there is no thread. */
  function startThread(): void {
    isRestarting = false;
    const seats = views.seats().map(({ seat, settings }) => ({ seat, settings }));
    if (seats.length === 0 || stopping !== null) return;
    const data: SerialThreadData = { seats, limits };
    const own = new Worker(new URL('./serial-thread.ts', import.meta.url), { workerData: data, stdout: false, stderr: false });
    worker = own;
    // a thread that has ended hears nothing, which is no harm
    const lent = createLendingHolder(nativeHolder, (answer) => own.postMessage(answer satisfies ToThread));
    own.on('message', (message: FromThread) => {
      switch (message.what) {
        case 'hold':
        case 'let-go':
          lent.asked(message);
          break;
        case 'frames':
          store(own, message.seat, message.frames);
          break;
        case 'status':
          follow(message.seat, message.status);
          break;
        case 'event':
          report(message.seat, message.event);
          break;
        case 'gone':
          views.gone(message.seat);
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
      lent.close();
      if (worker !== own) return;
      worker = null;
      onStopped();
      if (stopping !== null) return;
      views.broken();
      for (const { seat } of views.seats()) follow(seat, statusOf(BROKEN));
      isRestarting = true;
      later(RESTART_MS, startThread);
    });
  }
  function tell(message: ToThread): void {
    worker?.postMessage(message);
  }

  function store(from: Worker, seat: number, frames: readonly PortFrame[]): void {
    const port = views.at(seat);
    if (port === undefined) return;
    void sink.store(port.settings.device, frames).then((isStored) => {
      if (!isStored) later(RETRY_MS, () => store(from, seat, frames));
      else if (worker === from) tell({ what: 'taken', seat });
    });
  }

  function follow(seat: number, status: PortStatus): void {
    const port = views.at(seat);
    if (port === undefined) return;
    const { device, path } = port.settings;
    const { state, reason, mend } = status.condition;
    if (!port.isRetired) sink.follow(device, path, state === 'open' ? null : state);
    if (!views.update(seat, status)) return;
    // of a port that was removed nobody hears any more, unless its driver keeps it
    if (state === 'opening' || (port.isRetired && state !== 'stuck')) return;
    log[state === 'open' || state === 'closed' ? 'info' : 'warn']({ path, device, state, ...(reason && { reason, mend }) }, 'Serial port');
    sink.recordEvent({ device, type: `port-${state}`, reason, detail: { path, ...(mend && { mend }) } });
  }

  function leave({ seat, settings }: SeatedPort, why: 'changed' | 'removed'): void {
    sink.follow(settings.device, settings.path, why);
    if (worker === null) views.gone(seat);
    else tell({ what: 'remove', seat });
  }

  /** Something happened behind a port. */
  function report(seat: number, { type, reason, detail }: SlaveEvent): void {
    const port = views.at(seat);
    if (port === undefined || port.isRetired) return;
    const { device, path } = port.settings;
    log[type === 'slave-silent' ? 'warn' : 'info']({ path, device, ...detail, reason }, 'Modbus slave');
    sink.recordEvent({ device, type, reason, detail: { path, ...detail } });
  }

  async function stop(drainMs: number): Promise<void> {
    const own = worker;
    if (own !== null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      onStopped = resolve;
      later(drainMs, resolve);
      tell({ what: 'stop' });
      await promise;
    }
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    worker = null;
    await own?.terminate();
    for (const { settings } of views.seats()) sink.follow(settings.device, settings.path, 'closed');
  }

  return {
    views: views.all,
    start() {
      if (isStarted) return;
      isStarted = true;
      startThread();
    },
    put(port) {
      const { now, before } = views.seat(port);
      if (before !== null) leave(before, 'changed');
      const { seat, settings } = now;
      if (worker !== null) tell({ what: 'add', added: { seat, settings }, after: before?.seat ?? null });
      else if (isStarted && !isRestarting) startThread();
    },
    remove(id) {
      const before = views.retire(id);
      if (before !== null) leave(before, 'removed');
      return before !== null;
    },
    tap(order, channel) {
      worker?.postMessage({ what: 'capture', order, channel } satisfies ToThread, [channel]);
      return worker !== null;
    },
    stop(drainMs) {
      stopping ??= stop(drainMs);
      return stopping;
    },
  };
}
