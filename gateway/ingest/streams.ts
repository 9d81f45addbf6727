// Each device's streams as the sessions see them: the next expected seq runs ahead of the disk, by what is read but not committed.

import type { StreamRow, StreamState } from '../storage/store.ts';

export interface StreamEntry extends StreamRow {
  /** Highest seq that was taken: read and put into a batch, though maybe not on disk yet. */
  acked: number;
  bodyHash: string;
  retired: boolean;
  lastUsedAtUs: number;
  /** Bookkeeping of the batcher: the row of this stream's mark in the batch with this serial. */
  markSerial: number;
  markIndex: number;
}

export interface StreamLimits {
  readonly openStreams: number;
  readonly newStreamsPerHour: number;
}

export type OpenedStream =
  | { readonly outcome: 'known'; readonly stream: StreamEntry }
  | { readonly outcome: 'new'; readonly stream: StreamEntry; readonly retired: StreamEntry | null }
  | { readonly outcome: 'closed' }
  | { readonly outcome: 'quota' };

export interface Streams {
  /** A device's stream by name, made when it is new; the gateway's own (~…) have no quota. `inUse` is not retired for it. */
  open(device: string, name: string, nowUs: number, inUse?: string | null): OpenedStream;
  /** The same without making one. */
  find(device: string, name: string): StreamEntry | undefined;
  reload(states: readonly StreamState[]): void;
  /** Epoch µs of the last frame in any stream of the device; 0 when there was none. */
  lastUsedUs(device: string): number;
}

const HOUR_US = 3_600_000_000;

export function createStreams(limits: StreamLimits, states: readonly StreamState[]): Streams {
  let byDevice = new Map<string, Map<string, StreamEntry>>();
  let nextId = 1;

  function reload(from: readonly StreamState[]): void {
    byDevice = new Map();
    nextId = 1;
    for (const state of from) {
      const { id, device, stream, createdAtUs, acked, bodyHash, retired, lastUsedAtUs } = state;
      put({ id, device, stream, createdAtUs, acked, bodyHash, retired, lastUsedAtUs, markSerial: 0, markIndex: 0 });
    }
  }
  function put(entry: StreamEntry): StreamEntry {
    let own = byDevice.get(entry.device);
    if (own === undefined) {
      own = new Map();
      byDevice.set(entry.device, own);
    }
    own.set(entry.stream, entry);
    if (entry.id >= nextId) nextId = entry.id + 1;
    return entry;
  }

  reload(states);
  return {
    reload,
    find: (device, name) => byDevice.get(device)?.get(name),
    open(device, name, nowUs, inUse = null) {
      const own = byDevice.get(device);
      const known = own?.get(name);
      if (known !== undefined) return known.retired ? { outcome: 'closed' } : { outcome: 'known', stream: known };
      let retired: StreamEntry | null = null;
      if (!name.startsWith('~') && own !== undefined) {
        const theirs = [...own.values()].filter((stream) => !stream.stream.startsWith('~'));
        const isNew = ({ createdAtUs }: StreamEntry): boolean => createdAtUs > nowUs - HOUR_US && createdAtUs <= nowUs;
        if (theirs.filter(isNew).length >= limits.newStreamsPerHour) return { outcome: 'quota' };
        const open = theirs.filter((stream) => !stream.retired);
        if (open.length >= limits.openStreams) {
          for (const stream of open)
            if (stream.stream !== inUse && (retired === null || stream.lastUsedAtUs < retired.lastUsedAtUs)) retired = stream;
          if (retired !== null) retired.retired = true;
        }
      }
      const fresh = { id: nextId, device, stream: name, createdAtUs: nowUs, acked: 0, bodyHash: '', retired: false, lastUsedAtUs: nowUs };
      return { outcome: 'new', stream: put({ ...fresh, markSerial: 0, markIndex: 0 }), retired };
    },
    lastUsedUs(device) {
      let last = 0;
      // what somebody imports says nothing about the device
      for (const { stream, lastUsedAtUs } of byDevice.get(device)?.values() ?? [])
        if (lastUsedAtUs > last && !stream.startsWith('~import-')) last = lastUsedAtUs;
      return last;
    },
  };
}
