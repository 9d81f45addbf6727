// What a gateway put on record about connections that ended.

import type { EventView } from '../../gateway/protocol/rest.ts';
import type { ChildGateway } from './child-gateway.ts';
import { until } from './until.ts';

/** The `offline` events since `sinceMs` (epoch), newest first. */
export async function offlineEvents(gateway: ChildGateway, sinceMs: number): Promise<EventView[]> {
  const { items } = (await gateway.local('GET', '/v1/events?limit=10000')) as { items: EventView[] };
  return items.filter((event) => event.type === 'offline' && event.atMs >= sinceMs);
}

/** Waits until `devices` of them were noticed as dead by their pings; how long the last one took, in ms. Infinity: not all in time. */
export async function timeUntilNoticed(gateway: ChildGateway, devices: number, sinceMs: number, patienceMs: number): Promise<number> {
  let dead: EventView[] = [];
  const look = async (): Promise<boolean> => {
    dead = (await offlineEvents(gateway, sinceMs)).filter((event) => event.reason === 'ping-timeout');
    return new Set(dead.map((event) => event.device)).size >= devices;
  };
  try {
    await until(look, () => 'not all are noticed', { patienceMs, everyMs: 200 });
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  return Math.max(...dead.map((event) => event.atMs)) - sinceMs;
}
