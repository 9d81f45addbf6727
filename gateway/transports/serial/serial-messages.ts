// What the thread that reads the ports and the gateway say to each other. Frames go in batches, and each batch is answered before the
// next of its port comes: that is the credit. Objects, not columns: a serial line brings some hundred frames a second at most.

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
}

export interface SerialThreadData {
  readonly ports: readonly SerialPortSettings[];
  readonly limits: SerialLimits;
}

/** `port` is the index in the list of ports. */
export type FromThread =
  | { readonly what: 'frames'; readonly port: number; readonly frames: readonly PortFrame[] }
  | { readonly what: 'status'; readonly port: number; readonly status: PortStatus }
  | { readonly what: 'stopped' };

export type ToThread =
  /** The batch of this port is on disk. */
  | { readonly what: 'taken'; readonly port: number }
  /** Closes the ports, and says `stopped` when everything that was read has arrived. */
  | { readonly what: 'stop' };
