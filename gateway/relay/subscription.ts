// One subscription: snapshot or what was missed first, then live. Nothing is lost between the phases because live chunks that come
// meanwhile are folded (snapshot) or held (catching up), and chunks at or below `position` are dropped.

import type { Chunk, FeedHouse } from './live-feed.ts';
import type { Outbox } from './outbox.ts';
import type { SeriesFilter } from './series-filter.ts';

/** snapshot: parts are being sent. missed: pages are read from the store. held: the same, with live chunks kept for the join. */
type Phase = 'snapshot' | 'missed' | 'held' | 'live' | 'over';

export interface SubscriptionOptions {
  readonly id: string;
  readonly filter: SeriesFilter;
  /** 0: as it comes. */
  readonly maxRateHz: number;
  readonly outbox: Outbox;
  /** Resolves when the socket has taken most of what it was given. */
  readonly room: () => Promise<void>;
  readonly house: FeedHouse;
}

const PART_BYTES = 60 * 1024;
const PAGE_ROWS = 1000;

export class Subscription {
  readonly id: string;
  readonly filter: SeriesFilter;
  position = 0;
  readonly #options: SubscriptionOptions;
  #phase: Phase = 'snapshot';
  readonly #folded = new Map<number, string>();
  #foldedFrom = 0;
  #conflated = 0;
  #held: Chunk[] = [];
  #sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SubscriptionOptions) {
    this.id = options.id;
    this.filter = options.filter;
    this.#options = options;
  }

  /** What a resume must start from: readings that are folded but not sent yet are not behind it. */
  get cursor(): string {
    return this.#cursorAt(this.#folded.size > 0 ? this.#foldedFrom : this.position);
  }
  end(): void {
    this.#phase = 'over';
  }

  /** A batch that ends at `position`; `chunks` is what this subscription's filter wants of it. */
  publish(position: number, chunks: readonly Chunk[]): void {
    if (this.#phase === 'missed' || this.#phase === 'over') return;
    if (this.#phase === 'held') {
      this.#held.push(...chunks);
      return;
    }
    if (position <= this.position) return;
    const folds = this.#phase === 'snapshot' || this.#options.maxRateHz > 0 || this.#folded.size > 0 || this.#options.outbox.isFolding;
    for (const chunk of chunks) {
      if (folds) this.#fold(chunk);
      else this.#send(chunk.text, chunk.to, 0);
    }
    this.position = position;
  }

  /** Sends what was folded, when the rate and the socket allow. */
  tick(steadyMs: number): void {
    if (this.#phase !== 'live' || this.#folded.size === 0 || this.#options.outbox.isFolding) return;
    const { maxRateHz } = this.#options;
    if (maxRateHz > 0 && steadyMs - this.#sentAtMs < 1000 / maxRateHz) return;
    this.#sentAtMs = steadyMs;
    this.#sendFolded();
  }

  async snapshot(): Promise<void> {
    const { house, outbox } = this.#options;
    const { catalogue, presence } = house;
    this.#phase = 'snapshot';
    this.position = house.published();
    const latest: string[] = [];
    const devices: string[] = [];
    let bytes = 0;
    const part = (isLast: boolean): void => {
      const end = isLast ? `,"cursor":${JSON.stringify(this.cursor)}` : ',"more":true';
      outbox.send(
        `{"type":"snapshot","id":${JSON.stringify(this.id)}${end},"latest":[${latest.join(',')}],"devices":[${devices.join(',')}]}`,
      );
      latest.length = devices.length = bytes = 0;
    };
    const add = async (list: string[], item: string): Promise<boolean> => {
      if (bytes + item.length * 3 > PART_BYTES && bytes + Buffer.byteLength(item) > PART_BYTES) {
        part(false);
        await this.#options.room();
        if (this.#isOver) return true;
      }
      list.push(item);
      bytes += Buffer.byteLength(item) + 1;
      return this.#isOver;
    };
    for (const device of house.devices()) {
      if (this.filter.wantsDevice(device) && (await add(devices, presenceItem(device, presence)))) return;
    }
    // one after the other, not as a list: there can be a hundred thousand, and a snapshot waits long for a slow reader
    for (let id = 1; id <= catalogue.lastSeries; id++) {
      if (!this.filter.wants(id)) continue;
      const found = catalogue.latest(id);
      if (found !== undefined && (await add(latest, house.encode(id, found.timeUs, found.value)))) return;
    }
    part(true);
    this.#phase = 'live';
    if (this.#options.maxRateHz === 0 && this.#folded.size > 0) this.#sendFolded();
  }

  /** From `position` on: the missed readings in commit order, never folded, then live. */
  async resume(position: number): Promise<'live' | 'too-old' | 'future' | 'over'> {
    const { house, outbox, room } = this.#options;
    this.#phase = 'missed';
    this.position = position;
    let hasGreeted = false;
    for (;;) {
      // the end is taken before the list of series: one that is born meanwhile has its readings behind it
      const end = house.published();
      const result = await house.store.since(this.position, this.filter.seriesIds(), PAGE_ROWS);
      if (this.#isOver) return 'over';
      if (result.outcome !== 'page') return result.outcome;
      if (!hasGreeted) this.#greet();
      hasGreeted = true;
      const { page } = result;
      const upTo = Math.min(page.upTo, Math.max(end, this.position));
      const rows = page.position.filter((position) => position <= upTo).length;
      if (rows > 0) {
        const text = page.seriesId.slice(0, rows).map((id, i) => house.encode(id, page.timeUs[i], page.value[i]));
        this.#send(text.join(','), upTo, 0);
      }
      this.position = upTo;
      if (page.more && rows === page.position.length) {
        this.#phase = 'missed';
        this.#held = [];
        if (!outbox.hasRoom) await room();
        if (this.#isOver) return 'over';
      } else if (this.#phase === 'held' || upTo >= house.published()) {
        this.#join();
        return 'live';
      } else this.#phase = 'held';
    }
  }

  #join(): void {
    this.#phase = 'live';
    for (const chunk of this.#held) if (chunk.to > this.position) this.#send(chunk.text, chunk.to, 0);
    this.#held = [];
    this.position = Math.max(this.position, this.#options.house.published());
  }

  #greet(): void {
    const { house, outbox } = this.#options;
    const devices: string[] = [];
    for (const device of house.devices()) if (this.filter.wantsDevice(device)) devices.push(presenceItem(device, house.presence));
    outbox.send(
      `{"type":"resumed","id":${JSON.stringify(this.id)},"cursor":${JSON.stringify(this.cursor)},"devices":[${devices.join(',')}]}`,
    );
  }

  get #isOver(): boolean {
    return this.#phase === 'over';
  }
  #cursorAt(position: number): string {
    return `${this.#options.house.catalogue.store}.${position}`;
  }
  #fold(chunk: Chunk): void {
    if (this.#folded.size === 0) this.#foldedFrom = this.position;
    for (const { seriesId, encoded } of chunk.readings) {
      // deleted first, so that the map stays in the order of commits
      if (this.#folded.delete(seriesId)) this.#conflated++;
      this.#folded.set(seriesId, encoded);
    }
  }
  #sendFolded(): void {
    const text = [...this.#folded.values()].join(',');
    const conflated = this.#conflated;
    this.#folded.clear();
    this.#conflated = 0;
    this.#send(text, this.position, conflated);
  }
  #send(text: string, to: number, conflated: number): void {
    const head = `{"type":"readings","id":${JSON.stringify(this.id)},"cursor":${JSON.stringify(this.#cursorAt(to))}`;
    this.#options.outbox.send(`${head},"readings":[${text}],"conflated":${conflated}}`);
  }
}

function presenceItem(device: string, presence: FeedHouse['presence']): string {
  return JSON.stringify({ device, online: presence.isOnline(device), lastSeenMs: presence.lastSeenMs(device) });
}
