// Committed readings to subscribers: each reading is encoded once a batch, each batch is matched and joined once a pattern, and every
// subscriber's own state (live, folding, catching up) decides what it does with the result.

import type { Catalogue } from '../ingest/catalogue.ts';
import type { Presence } from '../ingest/presence.ts';
import type { Value } from '../protocol/messages.ts';
import { timeUsToMs } from '../protocol/time.ts';
import { type Batch, KIND, type ReadingStore } from '../storage/store.ts';
import type { Bus, Committed, PresenceChange } from './bus.ts';
import type { OutboxLimits, Sink } from './outbox.ts';
import { createFilterPool, type SeriesFilter } from './series-filter.ts';
import { Subscriber } from './subscriber.ts';

export interface LiveLimits extends OutboxLimits {
  readonly subscriptions: number;
  readonly patterns: number;
}
export interface LiveFeedOptions {
  readonly store: ReadingStore;
  readonly bus: Bus;
  readonly catalogue: Catalogue;
  readonly presence: Presence;
  /** Every device there is, for the snapshot's list. */
  readonly devices: () => Iterable<string>;
  readonly limits: LiveLimits;
  /** Epoch ms, for what messages say of the time; intervals are measured by `steadyMs`, which never jumps. */
  readonly now: () => number;
  readonly steadyMs: () => number;
  readonly onError: (error: unknown) => void;
}
export interface LiveFeed {
  open(sink: Sink): Subscriber;
  readonly subscriberCount: number;
  close(): void;
}

/** Readings of one batch that one filter wants, joined; `to` is the position that the text is complete up to. */
export interface Chunk {
  readonly to: number;
  readonly text: string;
  readonly readings: readonly { readonly seriesId: number; readonly encoded: string }[];
}
/** What subscribers need of the feed. */
export interface FeedHouse extends Omit<LiveFeedOptions, 'bus'> {
  /** Highest position handed to `publish`. */
  readonly published: () => number;
  readonly filters: ReturnType<typeof createFilterPool>;
  readonly encode: (seriesId: number, timeUs: number, value: Value) => string;
}

const TICK_MS = 50;
const HEARTBEAT_MS = 15_000;
/** Characters a message of readings: a slow link shows progress by each. */
const MESSAGE_CHARACTERS = 16 * 1024;

export function createLiveFeed(options: LiveFeedOptions): LiveFeed {
  const { bus, catalogue, steadyMs } = options;
  const subscribers = new Set<Subscriber>();
  const filters = createFilterPool(catalogue);
  /** `["pump-1","temperature",` of each series: names are escaped once, not once a reading. */
  let heads: string[] = [];
  let published = catalogue.position;
  let heartbeatAtMs = steadyMs() + HEARTBEAT_MS;

  const house: FeedHouse = { ...options, published: () => published, filters, encode };

  function encode(seriesId: number, timeUs: number, value: Value): string {
    let head = heads[seriesId];
    if (head === undefined) {
      const row = catalogue.series(seriesId);
      if (row === undefined) throw new Error(`series ${seriesId} is not in the catalogue`);
      head = `[${JSON.stringify(row.device)},${JSON.stringify(row.metric)},`;
      heads[seriesId] = head;
    }
    return `${head}${timeUsToMs(timeUs)},${typeof value === 'string' ? JSON.stringify(value) : value}]`;
  }

  function readings({ batch, position, unrelayed }: Committed): void {
    published = position;
    if (subscribers.size === 0) return;
    const encoded: (string | undefined)[] = new Array(batch.count);
    const joined = new Map<SeriesFilter, readonly Chunk[]>();
    const chunksOf = (filter: SeriesFilter): readonly Chunk[] => {
      let chunks = joined.get(filter);
      if (chunks === undefined) {
        chunks = join({ batch, position, unrelayed }, filter, encoded);
        joined.set(filter, chunks);
      }
      return chunks;
    };
    for (const subscriber of subscribers) subscriber.publish(position, chunksOf);
  }

  function join({ batch, position, unrelayed }: Committed, filter: SeriesFilter, encoded: (string | undefined)[]): Chunk[] {
    const chunks: Chunk[] = [];
    const first = position - batch.count + 1;
    let part: { seriesId: number; encoded: string }[] = [];
    let characters = 0;
    for (let i = 0; i < batch.count; i++) {
      const seriesId = batch.series[i];
      if (!filter.wants(seriesId) || unrelayed?.[i] === 1) continue;
      encoded[i] ??= encode(seriesId, batch.timeUs[i], valueAt(batch, i));
      const text = encoded[i] as string;
      part.push({ seriesId, encoded: text });
      characters += text.length;
      if (characters >= MESSAGE_CHARACTERS) {
        chunks.push(chunkOf(part, first + i));
        part = [];
        characters = 0;
      }
    }
    if (part.length > 0) chunks.push(chunkOf(part, position));
    return chunks;
  }

  const leave = bus.subscribe({
    readings,
    presence(change: PresenceChange) {
      const text = JSON.stringify({ type: 'device', ...change });
      for (const subscriber of subscribers) subscriber.presence(change.device, text);
    },
  });
  const tick = setInterval(() => {
    const tickMs = steadyMs();
    const isHeartbeat = tickMs >= heartbeatAtMs;
    if (isHeartbeat) heartbeatAtMs = tickMs + HEARTBEAT_MS;
    for (const subscriber of subscribers) subscriber.tick(tickMs, isHeartbeat);
  }, TICK_MS);

  return {
    open(sink) {
      const subscriber = new Subscriber(house, sink, () => subscribers.delete(subscriber));
      subscribers.add(subscriber);
      return subscriber;
    },
    get subscriberCount() {
      return subscribers.size;
    },
    close() {
      clearInterval(tick);
      leave();
      for (const subscriber of subscribers) subscriber.close();
      subscribers.clear();
      heads = [];
    },
  };
}

function valueAt(batch: Batch, i: number): Value {
  const value = batch.value[i];
  const kind = batch.kind[i];
  return kind === KIND.number ? value : kind === KIND.boolean ? value === 1 : batch.strings[value];
}
function chunkOf(readings: { seriesId: number; encoded: string }[], to: number): Chunk {
  return { to, text: readings.map((reading) => reading.encoded).join(','), readings };
}
