// Which devices are listed, in which order, and how many there are in each state. Worked out once a second at most; names are compared
// once per list, later orders only compare numbers, so that ten thousand devices sort in a few milliseconds.
import { searchWords } from '../../../gateway/protocol/device-state.ts';
import type { DeviceState, LiveDevice } from '../live-device.ts';
import { STATES } from '../live-device.ts';
import type { FleetQuery } from './fleet-query.ts';

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
export const deviceName = (device: LiveDevice): string => device.view.label || device.id;

/**
 * Devices by name, again and again: what was sorted before keeps its place, and only what is new or has another name is compared, so that
 * ten thousand that come in pages, or one that joins them, take no moment.
 */
export function createNameOrder(): (devices: readonly LiveDevice[]) => readonly LiveDevice[] {
  let order: { readonly device: LiveDevice; readonly name: string }[] = [];
  const compare = (a: (typeof order)[number], b: (typeof order)[number]): number =>
    collator.compare(a.name, b.name) || (a.device.id < b.device.id ? -1 : 1);
  return (devices) => {
    const rest = new Set(devices);
    const kept = order.filter(({ device, name }) => rest.has(device) && name === deviceName(device) && rest.delete(device));
    const fresh = Array.from(rest, (device) => ({ device, name: deviceName(device) })).sort(compare);
    const merged: typeof order = [];
    let next = 0;
    for (const one of kept) {
      for (let other = fresh[next]; other !== undefined && compare(other, one) < 0; other = fresh[++next]) merged.push(other);
      merged.push(one);
    }
    order = merged.concat(fresh.slice(next));
    return order.map(({ device }) => device);
  };
}

export interface TagCount {
  readonly tag: string;
  readonly count: number;
}
/** The most used first. */
export function countTags(devices: readonly LiveDevice[]): readonly TagCount[] {
  const counts = new Map<string, number>();
  for (const device of devices) for (const tag of device.view.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return Array.from(counts, ([tag, count]) => ({ tag, count })).sort((a, b) => b.count - a.count || collator.compare(a.tag, b.tag));
}

export type StateCounts = Readonly<Record<DeviceState, number>>;
export function countStates(devices: readonly LiveDevice[], nowMs: number): StateCounts {
  const counts: Record<DeviceState, number> = { live: 0, late: 0, silent: 0, asleep: 0, offline: 0, suspended: 0 };
  for (const device of devices) counts[device.state(nowMs)]++;
  return counts;
}

/** `named` is sorted by name already. */
export function listDevices(named: readonly LiveDevice[], query: FleetQuery, nowMs: number): readonly LiveDevice[] {
  const words = searchWords(query.q);
  const isWhole = words.length === 0 && query.tags.length === 0 && query.state === null;
  const found = isWhole
    ? [...named]
    : named.filter(
        (device) =>
          words.every((word) => device.haystack.includes(word)) &&
          query.tags.every((tag) => device.view.tags.includes(tag)) &&
          (query.state === null || device.state(nowMs) === query.state),
      );
  const direction = query.isDescending ? -1 : 1;
  if (query.sort === 'name') return query.isDescending ? found.reverse() : found;
  const key = sortKey(query, nowMs);
  const ranked = found.map((device, rank) => ({ device, rank, key: key(device) }));
  // what has no key stays below, whichever way the rest is sorted
  ranked.sort((a, b) => {
    if (a.key === b.key) return a.rank - b.rank;
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return (a.key - b.key) * direction;
  });
  return ranked.map(({ device }) => device);
}

function sortKey({ sort }: FleetQuery, nowMs: number): (device: LiveDevice) => number | null {
  switch (sort) {
    case 'state':
      return (device) => STATES.indexOf(device.state(nowMs));
    case 'age':
      // whole seconds: devices that all report each second must not change places all the time
      return (device) => (device.lastReadingMs === 0 ? null : Math.floor((nowMs - device.lastReadingMs) / 5000));
    case 'value':
      return (device) => {
        const value = device.shown[0]?.value;
        return typeof value === 'number' ? value : null;
      };
    case 'rate':
      return (device) => Math.round(device.ratePerSecond(nowMs) * 10);
    case 'name':
      return () => 0;
    default: {
      const unknown: never = sort;
      return unknown;
    }
  }
}
