// One live connection: its messages, its subscriptions and its outbox.

import type { ErrorMessage, Subscribe } from '../protocol/messages.ts';
import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import type { Chunk, FeedHouse } from './live-feed.ts';
import { Outbox, type Sink } from './outbox.ts';
import type { SeriesFilter } from './series-filter.ts';
import { Subscription } from './subscription.ts';

const CURSOR = /^([0-9a-f]{1,64})\.(\d{1,16})$/;
const isNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

export class Subscriber {
  readonly #house: FeedHouse;
  readonly #sink: Sink;
  readonly #outbox: Outbox;
  readonly #onClose: () => void;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #presence = new Map<string, string>();
  #waiters: { readonly of: Subscription; resolve(): void }[] = [];
  #isOver = false;

  constructor(house: FeedHouse, sink: Sink, onClose: () => void) {
    this.#house = house;
    this.#sink = sink;
    this.#onClose = onClose;
    this.#outbox = new Outbox({ sink, limits: house.limits, steadyMs: house.steadyMs, onRoom: () => this.#wake() });
  }

  /** A parsed message; false when it has no business on this socket and the connection should be closed 4403. */
  message(message: unknown): boolean {
    // an array is a SenML pack: readings
    if (Array.isArray(message)) return false;
    if (typeof message !== 'object' || message === null) return this.#error('bad-json');
    const { type, id } = message as { type?: unknown; id?: unknown };
    if (type === 'readings' || type === 'hello' || type === 'gap') return false;
    if (type === 'subscribe') this.#subscribe(message as Subscribe);
    else if (type === 'unsubscribe') {
      if (typeof id !== 'string') return this.#error('bad-message');
      this.#drop(id);
      this.#outbox.send(JSON.stringify({ type: 'unsubscribed', id }));
    } else if (typeof type === 'string') return this.#error('unknown-type');
    else return this.#error('bad-shape');
    return true;
  }

  publish(position: number, chunksOf: (filter: SeriesFilter) => readonly Chunk[]): void {
    for (const subscription of this.#subscriptions.values()) subscription.publish(position, chunksOf(subscription.filter));
  }
  presence(device: string, text: string): void {
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.filter.wantsDevice(device)) continue;
      // while readings are folded, so is presence: the newest of each device
      if (this.#outbox.isFolding) this.#presence.set(device, text);
      else this.#outbox.send(text);
      return;
    }
  }
  /** What is no part of a subscription. */
  tell(text: string): void {
    if (!this.#isOver) this.#outbox.send(text);
  }
  /** Times the socket finished something: life. */
  get taken(): number {
    return this.#outbox.taken;
  }
  tick(steadyMs: number, isHeartbeat: boolean): void {
    this.#outbox.check(steadyMs);
    for (const subscription of this.#subscriptions.values()) subscription.tick(steadyMs);
    if (isHeartbeat) {
      const cursors = Object.fromEntries([...this.#subscriptions.values()].map((subscription) => [subscription.id, subscription.cursor]));
      this.#outbox.send(JSON.stringify({ type: 'heartbeat', atMs: this.#house.now(), cursors }));
    }
    if (this.#presence.size > 0 && !this.#outbox.isFolding) {
      for (const text of this.#presence.values()) this.#outbox.send(text);
      this.#presence.clear();
    }
  }
  /** The connection is over. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const id of [...this.#subscriptions.keys()]) this.#drop(id);
    this.#wake();
    this.#onClose();
  }

  #subscribe(ask: Subscribe): void {
    const { id, devices = ['*'], metrics = ['*'], maxRateHz = 0, since } = ask;
    const isWhole =
      typeof id === 'string' && id.length <= 64 && isNames(devices) && isNames(metrics) && typeof maxRateHz === 'number' && maxRateHz >= 0;
    if (!isWhole || (since !== undefined && typeof since !== 'string')) {
      this.#error('bad-message', typeof id === 'string' ? id : undefined);
      return;
    }
    const { limits, filters } = this.#house;
    const isNew = !this.#subscriptions.has(id);
    if ((isNew && this.#subscriptions.size >= limits.subscriptions) || devices.length + metrics.length > limits.patterns) {
      this.#error('limit-exceeded', id);
      return;
    }
    this.#drop(id);
    const subscription: Subscription = new Subscription({
      id,
      filter: filters.take(devices, metrics),
      maxRateHz,
      outbox: this.#outbox,
      room: () => this.#room(subscription),
      house: this.#house,
    });
    this.#subscriptions.set(id, subscription);
    void this.#run(subscription, since).catch((error: unknown) => {
      this.#house.onError(error);
      this.#sink.close(1011, 'internal');
    });
  }

  async #run(subscription: Subscription, since: string | undefined): Promise<void> {
    if (since !== undefined) {
      const [, store, position] = CURSOR.exec(since) ?? [];
      const outcome = store === this.#house.catalogue.store ? await subscription.resume(Number(position)) : 'foreign';
      if (outcome === 'live' || outcome === 'over') return;
      this.#outbox.send(JSON.stringify({ type: 'reset', id: subscription.id, reason: outcome }));
    }
    await subscription.snapshot();
  }

  #room(of: Subscription): Promise<void> {
    if (this.#isOver || this.#outbox.hasRoom) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ of, resolve });
    });
  }
  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  #drop(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.end();
    // what was half told of it waits for nothing any more, and holds nothing
    const waiters = this.#waiters.filter(({ of }) => of === subscription);
    if (waiters.length > 0) this.#waiters = this.#waiters.filter(({ of }) => of !== subscription);
    for (const waiter of waiters) waiter.resolve();
    this.#house.filters.release(subscription.filter);
    this.#subscriptions.delete(id);
  }
  #error(code: ProblemCode, id?: string): true {
    this.#outbox.send(JSON.stringify({ type: 'error', id, code, message: PROBLEMS[code].title, fatal: false } satisfies ErrorMessage));
    return true;
  }
}
