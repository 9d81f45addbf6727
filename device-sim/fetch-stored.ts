// What a running gateway has of a device, over its public HTTP interface: history by time, the same in commit order, quarantine, books.

import type { SenmlRecord, Value } from '../gateway/protocol/messages.ts';
import type { AccountingRow, List, QuarantineView, ReadingsAnswer } from '../gateway/protocol/rest.ts';
import { type ApiClient, problemText } from './api-client.ts';
import { fetchPages } from './compare.ts';
import { Failure } from './failure.ts';
import type { StoredBook, StoredDevice, StoredReading } from './stored-device.ts';

export interface StoreAsk {
  readonly api: ApiClient;
  readonly key: string;
  /** The store's incarnation, from `/v1/info`. */
  readonly store: string;
  /** Of all devices. */
  readonly books: readonly AccountingRow[];
  readonly recount: readonly AccountingRow[];
}
export interface FetchedDevice {
  readonly stored: StoredDevice;
  /** Readings that only one of the two ways to read them shows. */
  readonly disagreements: number;
  /** Readings that are not kept in commit order any more. */
  readonly unordered: number;
}

const PAGE_ROWS = 10_000;

export async function fetchStored({ api, key, store, books, recount }: StoreAsk, device: string): Promise<FetchedDevice> {
  const history: Omit<StoredReading, 'position'>[] = [];
  const ask = { path: '/v1/readings', what: `the readings of ${device}`, device, limit: PAGE_ROWS };
  for await (const page of fetchPages<ReadingsAnswer>(api, key, ask)) {
    for (const { metric, unit, readings } of 'series' in page ? page.series : [page])
      for (const [timeMs, value] of readings) history.push({ metric, unit, timeUs: microsecondsOf(timeMs), value });
  }
  const committed = await fetchCommitOrder({ api, key, store }, device);
  const { readings, disagreements, unordered } = join(history, committed);

  const quarantine: StoredDevice['quarantine'][number][] = [];
  const refusals = { path: '/v1/quarantine', what: `what was refused of ${device}`, device, limit: PAGE_ROWS };
  for await (const page of fetchPages<List<QuarantineView>>(api, key, refusals))
    for (const { stream, seq, index } of page.items) quarantine.push({ stream, seq, index });
  const own = (rows: readonly AccountingRow[]): StoredBook[] => rows.filter((row) => row.device === device);
  return { stored: { device, readings, quarantine, books: own(books), recount: own(recount) }, disagreements, unordered };
}

type CommitOrder = Map<string, { readonly value: Value; readonly position: number }[]>;

/** Null when the beginning is older than what is kept in commit order. */
async function fetchCommitOrder({ api, key, store }: Pick<StoreAsk, 'api' | 'key' | 'store'>, device: string): Promise<CommitOrder | null> {
  const rows: CommitOrder = new Map();
  let position = 0;
  const query = new URLSearchParams({ device, since: `${store}.0`, format: 'ndjson' });
  const answer = await api.lines(`/v1/readings?${query.toString()}`, key, (line) => {
    const { n = '', u = '', bt = 0, t = 0, v, vs, vb } = JSON.parse(line) as SenmlRecord;
    const place = placeKey(n, u, Math.round(bt * 1e6) + Math.round(t * 1e6));
    const row = { value: (v ?? vs ?? vb)!, position: ++position };
    const list = rows.get(place);
    if (list === undefined) rows.set(place, [row]);
    else list.push(row);
  });
  if (answer.status === 200) return rows;
  const { code } = (answer.body ?? {}) as { code?: string };
  if (code === 'bad-cursor') return null;
  throw new Failure(`the readings of ${device} in commit order could not be read: ${problemText(answer)}`);
}

/** Readings of one series at one time stand in commit order in both. */
function join(history: readonly Omit<StoredReading, 'position'>[], committed: CommitOrder | null) {
  if (committed === null) {
    return { readings: history.map((reading) => ({ ...reading, position: null })), disagreements: 0, unordered: history.length };
  }
  let disagreements = 0;
  const readings = history.map((reading): StoredReading => {
    const row = committed.get(placeKey(reading.metric, reading.unit, reading.timeUs))?.shift();
    if (row?.value !== reading.value) disagreements++;
    return { ...reading, position: row?.position ?? null };
  });
  for (const rest of committed.values()) disagreements += rest.length;
  return { readings, disagreements, unordered: 0 };
}

function placeKey(metric: string, unit: string, timeUs: number): string {
  return `${metric}\0${unit}\0${timeUs}`;
}

/** The whole microseconds that were divided by 1000; after 2038 rounding the product alone is off by one now and then. */
function microsecondsOf(timeMs: number): number {
  const near = Math.round(timeMs * 1000);
  return [near, near - 1, near + 1].find((us) => us / 1000 === timeMs) ?? near;
}
