// What the device client makes of what a gateway says: text to messages, and limits that can be kept to.

import type { DeviceLimits } from './messages.ts';

/** What holds until a welcome says otherwise. */
export const FIRST_LIMITS: DeviceLimits = { frameBytes: 65_536, readingsPerFrame: 1_000, unackedFrames: 256 };

/** Null for what is no message: nothing that a gateway says may stop a device. */
export function readMessage(text: string): Record<string, unknown> | null {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function isSeq(seq: unknown): seq is number {
  return Number.isSafeInteger(seq) && (seq as number) >= 0;
}

/** A limit that makes no sense is not worth stopping over. */
export function readLimits(told: Partial<DeviceLimits> | undefined): DeviceLimits {
  const limit = (name: keyof DeviceLimits): number => {
    const value = told?.[name];
    return Number.isSafeInteger(value) && value! >= 1 ? value! : FIRST_LIMITS[name];
  };
  return { frameBytes: limit('frameBytes'), readingsPerFrame: limit('readingsPerFrame'), unackedFrames: limit('unackedFrames') };
}
