// What a device counts as, by one rule for the gateway's lists and the console, which goes on applying it while time passes. Times in ms.

export type DeviceState = 'live' | 'late' | 'silent' | 'asleep' | 'offline' | 'suspended';
/** Worst first: the order when sorting by state. */
export const DEVICE_STATES: readonly DeviceState[] = ['silent', 'late', 'offline', 'asleep', 'suspended', 'live'];

export interface StateFacts {
  readonly isSuspended: boolean;
  readonly isOnline: boolean;
  /** It is expected to leave and come back. */
  readonly maySleep: boolean;
  /** When its newest reading came; 0: none has. */
  readonly lastReadingMs: number;
  /** When it was last heard in any way; 0: never. */
  readonly lastSeenMs: number;
  /** When its last socket closed; 0: one is open, or none was there. */
  readonly closedMs: number;
  readonly rhythm: Rhythm;
}
/** How often a reading is expected: as somebody has set it, else as it was seen, else not known. */
export interface Rhythm {
  readonly setMs: number | null;
  readonly seenMs: number | null;
}

const LATE_AFTER = 2;
export const SILENT_AFTER = 5;
/** Assumed while neither a setting nor a rhythm is known. */
export const FALLBACK_INTERVAL_MS = 60_000;
/** Posts over HTTP come as somebody likes: unless a rhythm is set, a device without a socket is not given up before. */
const UNCONNECTED_MS = 5 * 60_000;
/** Readings sent before a socket closed are told up to this much after it. */
const STRAGGLERS_MS = 2000;
/** At many readings a second, one late burst is not a late device. */
const SHORTEST_INTERVAL_MS = 1500;

/** What lateness is measured by: never zero, and unless it is set not shorter than commits and networks jitter. */
export function assumedIntervalMs({ setMs, seenMs }: Rhythm): number {
  return setMs ?? Math.max(seenMs ?? FALLBACK_INTERVAL_MS, SHORTEST_INTERVAL_MS);
}

export function deviceState(facts: StateFacts, nowMs: number): DeviceState {
  const { isSuspended, isOnline, maySleep, lastReadingMs, lastSeenMs, rhythm } = facts;
  if (isSuspended) return 'suspended';
  const intervalMs = assumedIntervalMs(rhythm);
  if (!isOnline && maySleep) {
    // it may sleep, but not for ever: where its rhythm is known, one that never wakes is told
    const isKnown = rhythm.setMs !== null || rhythm.seenMs !== null;
    return isKnown && lastReadingMs > 0 && nowMs - lastReadingMs > SILENT_AFTER * intervalMs ? 'silent' : 'asleep';
  }
  if (!isOnline && !isHeardUnconnected(facts, nowMs)) return 'offline';
  const ageMs = nowMs - (isOnline && lastReadingMs === 0 ? lastSeenMs : lastReadingMs);
  if (ageMs <= LATE_AFTER * intervalMs) return 'live';
  if (isOnline && ageMs > SILENT_AFTER * intervalMs) return 'silent';
  return maySleep ? 'asleep' : 'late';
}

/** A device that posts over HTTP has no socket: it is there while its readings come. One whose socket closed is not. */
function isHeardUnconnected({ closedMs, lastReadingMs, rhythm }: StateFacts, nowMs: number): boolean {
  if (closedMs > 0 && lastReadingMs <= closedMs + STRAGGLERS_MS) return false;
  const givenUpMs = SILENT_AFTER * assumedIntervalMs(rhythm);
  return nowMs - lastReadingMs <= (rhythm.setMs !== null ? givenUpMs : Math.max(givenUpMs, UNCONNECTED_MS));
}

/** In lower case, what a search looks in. */
export function searchTextOf(device: { id: string; label: string; tags: readonly string[]; location: string }): string {
  return `${device.id} ${device.label} ${device.tags.join(' ')} ${device.location}`.toLowerCase();
}
/** Every word has to be there, wherever. */
export function searchWords(asked: string): readonly string[] {
  return asked.toLowerCase().split(/\s+/).filter(Boolean);
}
