// What the Events page shows, as it stands in the address.
import { EVENT_TYPES } from '../../../gateway/protocol/event-types.ts';
import type { EventType } from '../../../gateway/protocol/event-types.ts';

export const KINDS = ['all', 'connections', 'data', 'serial', 'gateway', 'acts'] as const;
export type Kind = (typeof KINDS)[number];
export const RANGES = ['all', '1h', '24h', '7d'] as const;
export type Range = (typeof RANGES)[number];

export interface EventsQuery {
  readonly view: 'events' | 'acts';
  readonly kind: Kind;
  readonly device: string;
  readonly range: Range;
  /** This event is at the top, with what came before it; null: the newest is. */
  readonly event: number | null;
}
export const NO_FILTER: EventsQuery = { view: 'events', kind: 'all', device: '', range: 'all', event: null };

const DATA: readonly EventType[] = [
  'frame-refused',
  'clock-suspect',
  'unit-changed',
  'duplicate-identity',
  'store-went-back',
  'quarantine-replayed',
  'quarantine-discarded',
  'import',
];
export function kindOf(type: EventType): Exclude<Kind, 'all'> {
  if (type === 'online' || type === 'offline') return 'connections';
  if (DATA.includes(type)) return 'data';
  if (type === 'act') return 'acts';
  return /^(port|slave|serial)-/.test(type) ? 'serial' : 'gateway';
}
/** What to ask for; undefined: everything. */
export function typesOf(kind: Kind): readonly string[] | undefined {
  return kind === 'all' ? undefined : EVENT_TYPES.filter((type) => kindOf(type) === kind);
}

const oneOf = <T extends string>(values: readonly T[], value: string | null): T => values.find((one) => one === value) ?? (values[0] as T);

export function readEventsQuery(url: string): EventsQuery {
  const query = new URL(url, location.origin).searchParams;
  const event = query.get('event') ?? '';
  return {
    view: query.get('view') === 'acts' ? 'acts' : 'events',
    kind: oneOf(KINDS, query.get('kind')),
    device: query.get('device') ?? '',
    range: oneOf(RANGES, query.get('range')),
    event: /^[1-9]\d{0,14}$/.test(event) ? Number(event) : null,
  };
}

export function writeEventsQuery({ view, kind, device, range, event }: EventsQuery): string {
  const search = new URLSearchParams();
  if (view === 'acts') search.set('view', view);
  if (kind !== 'all') search.set('kind', kind);
  if (device !== '') search.set('device', device);
  if (range !== 'all') search.set('range', range);
  if (event !== null) search.set('event', String(event));
  return search.size === 0 ? '/events' : `/events?${search}`;
}
