// One device as the console knows it: what REST told, and what the live socket changes. Thousands exist, so plain fields are mutated and
// `changed` is bumped once per frame by the owner; only rows on screen listen. Times are the gateway's, in ms.
import { signal } from '@preact/signals';
import {
  DEVICE_STATES,
  type DeviceState,
  FALLBACK_INTERVAL_MS,
  type Rhythm,
  SILENT_AFTER,
  assumedIntervalMs,
  deviceState,
  searchTextOf,
} from '../../gateway/protocol/device-state.ts';
import type { Value } from '../../gateway/protocol/messages.ts';
import type { DeviceView } from '../../gateway/protocol/rest.ts';
import { unitSymbol } from '../../gateway/protocol/units.ts';
import { createScale, feedScale } from './format.ts';
import type { Scale } from './format.ts';
import { RecentValues } from './recent-values.ts';

export type { DeviceState };
export const STATES = DEVICE_STATES;

const KEPT_INTERVALS = 32;
/** Readings closer than this came together. */
const BURST_MS = 50;
const RATE_WINDOW_MS = 10_000;

export interface LiveMetric {
  readonly name: string;
  unit: string;
  timeMs: number;
  value: Value;
  /** When it came, as far as known: a device's clock may be wrong. */
  heardMs: number;
  readonly scale: Scale;
  readonly recent: RecentValues;
  /** Its last hour was asked for. */
  isSeeded: boolean;
}

export class LiveDevice {
  readonly id: string;
  readonly changed = signal(0);
  readonly metrics = new Map<string, LiveMetric>();
  view: DeviceView;
  isOnline: boolean;
  lastReadingMs = 0;
  lastSeenMs: number;
  /** Lower-case text that a search looks in. */
  haystack = '';
  /** When a socket that was seen open closed; 0: none was, or one is open. */
  #closedMs = 0;
  #intervals: number[] = [];
  #nextInterval = 0;
  #medianMs: number | null = null;
  #rate = 0;
  #rateAtMs = 0;
  #rateSinceMs = 0;

  constructor(view: DeviceView, nowMs: number) {
    this.id = view.id;
    this.view = view;
    this.isOnline = view.online;
    this.lastSeenMs = view.lastSeenAt === null ? 0 : Date.parse(view.lastSeenAt);
    this.update(view, nowMs);
  }

  update(view: DeviceView, nowMs: number): void {
    this.view = view;
    this.presence(view.online, null);
    if (view.lastSeenAt !== null) this.lastSeenMs = Math.max(this.lastSeenMs, Date.parse(view.lastSeenAt));
    if (view.lastReadingAt !== null) this.lastReadingMs = Math.max(this.lastReadingMs, Date.parse(view.lastReadingAt));
    if (!view.online && view.closedAt !== null) this.#closedMs = Math.max(this.#closedMs, Date.parse(view.closedAt));
    this.haystack = searchTextOf(view);
    for (const [name, [timeMs, value, unit]] of Object.entries(view.latest)) {
      this.#metric(name).unit = unitSymbol(unit);
      this.#take(name, timeMs, value, Math.min(timeMs, this.lastReadingMs || nowMs, nowMs), nowMs);
    }
  }

  /** A live reading; true when its metric was not known before (its unit then is not either). */
  reading(name: string, timeMs: number, value: Value, nowMs: number): boolean {
    const isNew = !this.metrics.has(name);
    const sinceLastMs = nowMs - this.lastReadingMs;
    if (this.lastReadingMs > 0 && sinceLastMs > BURST_MS) {
      this.#intervals[this.#nextInterval] = sinceLastMs;
      this.#nextInterval = (this.#nextInterval + 1) % KEPT_INTERVALS;
      this.#medianMs = null;
    }
    this.#take(name, timeMs, value, nowMs, nowMs);
    this.lastSeenMs = nowMs;
    if (this.#rateSinceMs === 0) this.#rateSinceMs = this.#rateAtMs = nowMs;
    this.#rate = this.#rate * Math.exp((this.#rateAtMs - nowMs) / RATE_WINDOW_MS) + 1000 / RATE_WINDOW_MS;
    this.#rateAtMs = nowMs;
    return isNew;
  }

  /** The present value as a snapshot tells it: newer than what is known, but not heard now. */
  missed(name: string, timeMs: number, value: Value, nowMs: number): void {
    this.#take(name, timeMs, value, Math.min(timeMs, nowMs), nowMs);
  }

  presence(isOnline: boolean, atMs: number | null): void {
    if (atMs !== null) this.lastSeenMs = Math.max(this.lastSeenMs, atMs);
    if (isOnline) this.#closedMs = 0;
    else if (this.isOnline) this.#closedMs = atMs ?? this.lastSeenMs;
    this.isOnline = isOnline;
  }

  /** A socket of it was there, and is gone. */
  get hasClosed(): boolean {
    return this.#closedMs > 0;
  }

  /** Readings per second over about the last 10 s. */
  ratePerSecond(nowMs: number): number {
    const seenMs = nowMs - this.#rateSinceMs;
    if (this.#rateSinceMs === 0 || seenMs < 2000) return 0;
    const decayed = this.#rate * Math.exp((this.#rateAtMs - nowMs) / RATE_WINDOW_MS);
    return decayed / (1 - Math.exp(-seenMs / RATE_WINDOW_MS));
  }

  get #rhythm(): Rhythm {
    const { expectEverySeconds, seenEveryMs } = this.view;
    return { setMs: expectEverySeconds === null ? null : expectEverySeconds * 1000, seenMs: this.#seenMs ?? seenEveryMs };
  }
  /** By enough intervals of its own this page knows better than what it was told when it was opened. */
  get #seenMs(): number | null {
    if (this.#intervals.length < (this.view.seenEveryMs === null ? 2 : KEPT_INTERVALS)) return null;
    this.#medianMs ??= [...this.#intervals].sort((a, b) => a - b)[this.#intervals.length >> 1] ?? null;
    return this.#medianMs;
  }
  /** Set on the device, else the median of the last intervals, else null. */
  get expectedMs(): number | null {
    const { setMs, seenMs } = this.#rhythm;
    return setMs ?? seenMs;
  }
  get assumedMs(): number {
    return assumedIntervalMs(this.#rhythm);
  }

  state(nowMs: number): DeviceState {
    return deviceState(
      {
        isSuspended: this.view.status === 'suspended',
        isOnline: this.isOnline,
        maySleep: this.view.maySleep,
        lastReadingMs: this.lastReadingMs,
        lastSeenMs: this.lastSeenMs,
        closedMs: this.#closedMs,
        rhythm: this.#rhythm,
      },
      nowMs,
    );
  }

  /** Of one value: devices send some metrics more seldom than others, so it is measured against the device's slowest rhythm. */
  isStale(metric: LiveMetric, nowMs: number): boolean {
    const state = this.state(nowMs);
    return (state !== 'live' && state !== 'late') || nowMs - metric.heardMs > SILENT_AFTER * Math.max(this.assumedMs, FALLBACK_INTERVAL_MS);
  }

  #metric(name: string): LiveMetric {
    let metric = this.metrics.get(name);
    if (metric === undefined) {
      metric = {
        name,
        unit: '',
        timeMs: Number.NEGATIVE_INFINITY,
        value: '',
        heardMs: 0,
        scale: createScale(),
        recent: new RecentValues(),
        isSeeded: false,
      };
      this.metrics.set(name, metric);
      this.#main = null;
    }
    return metric;
  }

  #take(name: string, timeMs: number, value: Value, heardMs: number, nowMs: number): void {
    const metric = this.#metric(name);
    if (heardMs > this.lastReadingMs) this.lastReadingMs = heardMs;
    if (timeMs === metric.timeMs && value === metric.value) return;
    // a reading from the far future does not stay the latest for ever
    if (timeMs < metric.timeMs && metric.timeMs <= nowMs + 600_000) return;
    metric.timeMs = timeMs;
    metric.value = value;
    metric.heardMs = heardMs;
    if (typeof value === 'number') {
      feedScale(metric.scale, value);
      metric.recent.push(timeMs, value);
    } else if (typeof value === 'boolean') metric.recent.push(timeMs, value ? 1 : 0);
  }

  #main: readonly LiveMetric[] | null = null;
  /** The two that stand for the device in a list: numbers before states, in the order in which they were first heard. */
  get shown(): readonly LiveMetric[] {
    const weight = (metric: LiveMetric): number => (typeof metric.value === 'number' ? 0 : typeof metric.value === 'boolean' ? 1 : 2);
    this.#main ??= [...this.metrics.values()].sort((a, b) => weight(a) - weight(b)).slice(0, 2);
    return this.#main;
  }
}
