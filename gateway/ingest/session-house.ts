// What all sessions, and the other ways in, share.

import type { DeviceLimits } from '../protocol/messages.ts';
import type { CounterFamily } from '../observe.ts';
import type { Batcher } from './batcher.ts';
import type { BridgedPorts } from './bridged-ports.ts';
import type { IngestCatalogue } from './catalogue.ts';
import type { Flow } from './flow.ts';
import type { FrameWatch } from './frame-watch.ts';
import type { DeviceSettings, IngestLimits } from './ingest.ts';
import type { Notices } from './notices.ts';
import type { Pace } from './pace.ts';
import type { DevicePresence } from './presence.ts';
import type { Streams } from './streams.ts';
import type { Validator } from './validate.ts';

export interface SessionHouse {
  readonly batcher: Batcher;
  readonly catalogue: IngestCatalogue;
  readonly streams: Streams;
  readonly validator: Validator;
  readonly limits: IngestLimits;
  readonly deviceLimits: DeviceLimits;
  readonly settingsOf: (device: string) => DeviceSettings;
  readonly presence: DevicePresence;
  readonly noticesOf: (device: string) => Notices;
  readonly refusals: CounterFamily;
  /** Connections held, by reason. */
  readonly holds: CounterFamily;
  readonly flow: Flow;
  readonly paceOf: (device: string) => Pace;
  readonly unackedFrames: number;
  readonly unackedBytes: number;
  /** What bridges tell of their serial ports. */
  readonly bridged: BridgedPorts;
  readonly frameWatch: FrameWatch;
  readonly nowUs: () => number;
}
