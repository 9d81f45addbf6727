// What the thread that reads the ports and the gateway say to each other. Frames go in batches, and each batch is answered before the
// next of its port comes: that is the credit. Objects, not columns: a serial line brings some hundred frames a second at most.

import type { MessagePort } from 'node:worker_threads';
import type { CaptureOrder } from './capture-taps.ts';
import type { HoldAnswer, HoldAsk } from './lent-holder.ts';
import type { SlaveEvent, SlaveStatus } from './modbus-slave.ts';
import type { FrameCounts, PortFrame, SeenFrame } from './port-frames.ts';
import type { SerialLimits, SerialPortSettings } from './port-settings.ts';
import type { PortCondition } from './port-state.ts';

/** How a port is doing. */
export interface PortStatus {
  readonly condition: PortCondition;
  /** Since when. */
  readonly sinceMs: number;
  /** Over the last seconds. */
  readonly framesPerSecond: number;
  readonly counts: FrameCounts;
  readonly seen: readonly SeenFrame[];
  readonly slaves: readonly SlaveStatus[];
}

/** One port with one set of settings. Its number is never used again: a port that is changed is another seat. */
export interface PortSeat {
  readonly seat: number;
  readonly settings: SerialPortSettings;
}

export interface SerialThreadData {
  readonly seats: readonly PortSeat[];
  readonly limits: SerialLimits;
}

export type FromThread =
  | HoldAsk
  | { readonly what: 'frames'; readonly seat: number; readonly frames: readonly PortFrame[] }
  | { readonly what: 'status'; readonly seat: number; readonly status: PortStatus }
  | { readonly what: 'event'; readonly seat: number; readonly event: SlaveEvent }
  /** The seat was removed, and everything that it had read has arrived. */
  | { readonly what: 'gone'; readonly seat: number }
  | { readonly what: 'stopped' };

export type ToThread =
  | HoldAnswer
  /** Reads one more port; `after`: a seat that was removed, and is to let go of the port first. */
  | { readonly what: 'add'; readonly added: PortSeat; readonly after: number | null }
  /** Closes one port; what it has read still comes, then `gone`. */
  | { readonly what: 'remove'; readonly seat: number }
  /** The batch of this seat is on disk. */
  | { readonly what: 'taken'; readonly seat: number }
  /** Begins a capture; all else of it goes over its own channel. */
  | { readonly what: 'capture'; readonly order: CaptureOrder; readonly channel: MessagePort }
  /** Closes the ports, and says `stopped` when everything that was read has arrived. */
  | { readonly what: 'stop' };
