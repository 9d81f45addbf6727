// What of the fleet is shown, as it stands in the address: search, state, tag, order. Defaults are left out.
import { STATES } from '../live-device.ts';
import type { DeviceState } from '../live-device.ts';

export type SortKey = 'name' | 'state' | 'age' | 'value' | 'rate';
export const SORT_KEYS: readonly SortKey[] = ['name', 'state', 'age', 'value', 'rate'];

export interface FleetQuery {
  readonly q: string;
  readonly state: DeviceState | null;
  /** All of them. */
  readonly tags: readonly string[];
  readonly sort: SortKey;
  readonly isDescending: boolean;
}

export function readFleetQuery(url: string): FleetQuery {
  const query = new URL(url, location.origin).searchParams;
  return {
    q: query.get('q') ?? '',
    state: STATES.find((state) => state === query.get('state')) ?? null,
    tags: [...new Set(query.getAll('tag'))],
    sort: SORT_KEYS.find((key) => key === query.get('sort')) ?? 'name',
    isDescending: query.get('order') === 'desc',
  };
}

export function writeFleetQuery(query: FleetQuery): string {
  const search = new URLSearchParams();
  if (query.q !== '') search.set('q', query.q);
  if (query.state !== null) search.set('state', query.state);
  for (const tag of query.tags) search.append('tag', tag);
  if (query.sort !== 'name') search.set('sort', query.sort);
  if (query.isDescending) search.set('order', 'desc');
  return search.size === 0 ? '/' : `/?${search}`;
}
