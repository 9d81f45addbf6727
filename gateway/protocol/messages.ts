// The wire, version 1, as types: what devices and subscribers say and hear. Told apart by `type`, named by direction.
// Times on our own messages are epoch milliseconds with fractions (µs / 1000); a SenML record's `t` is seconds.

import type { SerialPortView } from './rest.ts';

/** One value as it travels: a finite number, a boolean or a string. */
export type Value = number | boolean | string;

/** A SenML record as a device sends it (RFC 8428 §4); labels not listed here are ignored. */
export interface SenmlRecord {
  readonly bn?: string;
  readonly bt?: number;
  readonly bu?: string;
  readonly bv?: number;
  readonly bver?: number;
  readonly n?: string;
  readonly u?: string;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
  readonly t?: number;
  readonly ut?: number;
}

/** One refused record of a frame; without `index` the fault is the whole frame's. */
export interface RecordFault {
  readonly index?: number;
  readonly code: string;
  readonly message: string;
}

export interface Hello {
  readonly type: 'hello';
  readonly stream: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked?: number;
  readonly software?: string;
}
export interface Readings {
  readonly type: 'readings';
  readonly seq: number;
  readonly readings: readonly SenmlRecord[];
}
export interface Gap {
  readonly type: 'gap';
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}
/** A serial port of a bridge, as it tells it: what the gateway knows by itself is left out. */
export type BridgedPort = Omit<SerialPortView, 'id' | 'origin' | 'bridge' | 'settings'>;
/** How the serial ports of this device are doing, on another box; for people to look at. */
export interface PortsMessage {
  readonly type: 'ports';
  readonly bridge: string;
  readonly ports: readonly BridgedPort[];
}
/** What a device sends; a bare array is a SenML pack. */
export type FromDevice = Hello | Readings | Gap | PortsMessage | readonly SenmlRecord[];

/** What a device must keep to, told in the welcome. */
export interface DeviceLimits {
  readonly frameBytes: number;
  readonly readingsPerFrame: number;
  readonly unackedFrames: number;
}
export interface Welcome {
  readonly type: 'welcome';
  readonly device: string;
  readonly stream: string;
  readonly acked: number;
  readonly store: string;
  readonly serverTimeMs: number;
  readonly limits: DeviceLimits;
  readonly pingSeconds: number;
  readonly pongSeconds: number;
}
export interface Ack {
  readonly type: 'ack';
  readonly seq: number;
}
export interface Reject {
  readonly type: 'reject';
  readonly seq: number;
  readonly errors: readonly RecordFault[];
}
export interface Stored {
  readonly type: 'stored';
  readonly readings: number;
  readonly errors?: readonly RecordFault[];
}
export interface ErrorMessage {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
  readonly fatal: boolean;
  readonly expected?: number;
  readonly id?: string;
}
export type ToDevice = Welcome | Ack | Reject | Stored | ErrorMessage;

export interface Subscribe {
  readonly type: 'subscribe';
  readonly id: string;
  readonly devices?: readonly string[];
  readonly metrics?: readonly string[];
  readonly maxRateHz?: number;
  readonly since?: string;
}
export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly id: string;
}
export type FromSubscriber = Subscribe | Unsubscribe;

/** device, metric, time in epoch ms, value. */
export type LiveReading = readonly [device: string, metric: string, timeMs: number, value: Value];
export interface DevicePresence {
  readonly device: string;
  readonly online: boolean;
  readonly lastSeenMs: number | null;
}
export interface Snapshot {
  readonly type: 'snapshot';
  readonly id: string;
  readonly cursor?: string;
  readonly more?: boolean;
  readonly latest: readonly LiveReading[];
  readonly devices: readonly DevicePresence[];
}
export interface Resumed {
  readonly type: 'resumed';
  readonly id: string;
  readonly cursor: string;
  readonly devices: readonly DevicePresence[];
}
export interface LiveReadings {
  readonly type: 'readings';
  readonly id: string;
  readonly cursor: string;
  readonly readings: readonly LiveReading[];
  readonly conflated: number;
}
export interface DeviceChange {
  readonly type: 'device';
  readonly device: string;
  readonly online: boolean;
  readonly reason: string;
  readonly atMs: number;
}
export interface Unsubscribed {
  readonly type: 'unsubscribed';
  readonly id: string;
}
export interface Reset {
  readonly type: 'reset';
  readonly id: string;
  readonly reason: 'too-old' | 'foreign' | 'future';
}
export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly atMs: number;
  readonly cursors: Readonly<Record<string, string>>;
}
/** To operators and admins, without a subscription: who asks to be paired, or until when one may, has changed; `GET /v1/pairing` has all. */
export interface PairingChange {
  readonly type: 'pairing';
  readonly openUntilMs: number | null;
  readonly pending: number;
}
export type ToSubscriber =
  | Snapshot
  | Resumed
  | LiveReadings
  | DeviceChange
  | Unsubscribed
  | Reset
  | ErrorMessage
  | Heartbeat
  | PairingChange;

/** WebSocket close codes in use; protocol rule 4 and the close-code table say what each side does. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidText: 1007,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  restarting: 1012,
  overloaded: 1013,
  badMessage: 4400,
  credential: 4401,
  forbidden: 4403,
  stalled: 4408,
  conflict: 4409,
  tooManySockets: 4413,
  tooManyStreams: 4429,
} as const;

export const SUBPROTOCOL = { json: 'fieldgate.v1', cbor: 'fieldgate.v1.cbor', live: 'fieldgate.live.v1' } as const;

export const DEVICE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const STREAM_ID = /^[A-Za-z0-9_-]{8,64}$/;
export const GAP_REASON = /^[a-z-]{1,32}$/;
