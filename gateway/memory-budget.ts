// What the limits can cost in memory: computed, refused when it is more than the cap, and logged at the start.

import type { Limits } from './config.ts';
import { MAX_PORTS } from './config-serial.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What the limits can cost when everything is full at once, in bytes. */
export interface MemoryBudget {
  readonly base: number;
  readonly devices: number;
  readonly outboxes: number;
  readonly inFlight: number;
  readonly admission: number;
  readonly caches: number;
  /** As many ports as there may be: they come without a restart. */
  readonly serial: number;
  readonly total: number;
  readonly cap: number;
}

/** A wss connection costs 53 KiB in Node, and its session and send queue the rest. */
export const DEVICE_BYTES = 64 * KIB;

/** What readers keep of chunks (storage/reader-memory.ts), and a page or a chart on its way to the network. */
const CACHES_BYTES = 96 * MIB;

/** A connection in its TLS handshake, and one that is accepted but unread. */
const ACTIVE_BYTES = 64 * KIB;
const WAITING_BYTES = 2 * KIB;

export function memoryBudget(limits: Limits): MemoryBudget {
  const parts = {
    base: 150 * MIB,
    devices: limits.devices * DEVICE_BYTES,
    outboxes: 96 * MIB,
    inFlight: limits.framesInFlightBytes,
    admission: limits.admissionActive * ACTIVE_BYTES + limits.admissionWaiting * WAITING_BYTES,
    caches: CACHES_BYTES,
    serial: MAX_PORTS * limits.serialBufferBytes,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0), cap: limits.memoryBytes };
}
