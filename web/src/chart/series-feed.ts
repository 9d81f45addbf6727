// The series of a page over its time axis: history, and what comes live after it. Read again when the axis leaves what is known, when the
// gateway says that a cursor is too old, and when it had to leave readings out because this page was slow.
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { LiveReading, Value } from '../../../gateway/protocol/messages.ts';
import { ApiError } from '../api.ts';
import { serverNowMs } from '../clock.ts';
import type { LiveConnection } from '../live-connection.ts';
import { seriesKey } from './chart-series.ts';
import type { SeriesName } from './chart-series.ts';
import { dropPaint, queuePaint } from './frame-queue.ts';
import { bucketFor, readHistory } from './series-history.ts';
import type { History } from './series-history.ts';
import type { SeriesWindow } from './series-window.ts';
import { edgesOf, spanOf } from './time-axis.ts';
import type { TimeAxis, TimeView } from './time-axis.ts';

/** A browser's timers fire at once when they are set for more than 25 days. */
const LONGEST_MS = 3_600_000;

export interface Latest {
  timeMs: number;
  value: Value;
  /** When it came. */
  heardMs: number;
}
export interface SeriesFeed {
  readonly phase: ReadonlySignal<'loading' | 'ready' | 'failed'>;
  /** What the gateway says when it refuses; '' when it was not reached. */
  readonly fault: ReadonlySignal<string>;
  /** Counts what changed, at most once a frame. */
  readonly changed: ReadonlySignal<number>;
  /** Null until its history was read. Live readings change it. */
  window(key: string): SeriesWindow | null;
  /** The newest that came live; the same object from then on. */
  latest(key: string): Latest | undefined;
  /** Which series are fed from now on; those that stay keep what is known of them. */
  set(series: readonly SeriesName[]): void;
  retry(): void;
  close(): void;
}

const RETRY_MS = 3000;
/** After readings were left out: when they stopped being, but not more often than this. */
const MEND_MS = 5000;
/** Buckets this much wider or narrower than they would be made now are still good enough. */
const WIDER = 1.7;
const NARROWER = 4;
const KEPT_BEFORE = 0.3;
/** A reading from further ahead does not stay the newest. */
const SLACK_MS = 600_000;

interface Fed {
  readonly window: SeriesWindow;
  readonly key: string;
}

export function createSeriesFeed(live: LiveConnection, axis: TimeAxis): SeriesFeed {
  const phase = signal<'loading' | 'ready' | 'failed'>('loading');
  const fault = signal('');
  const changed = signal(0);
  const latest = new Map<string, Latest>();
  let series: readonly SeriesName[] = [];
  let history: History | null = null;
  /** By device, then metric: a reading finds its window by two looks. */
  let fed = new Map<string, Map<string, Fed>>();
  let leaves: (() => void)[] = [];
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let mendTimer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const announce = (): void => {
    changed.value++;
  };

  async function load(): Promise<void> {
    abort.abort();
    clearTimeout(timer);
    if (isClosed || series.length === 0) return;
    const mine = (abort = new AbortController());
    if (history === null) phase.value = 'loading';
    try {
      const answer = await readHistory(series, axis.view.peek(), mine.signal);
      if (mine.signal.aborted) return;
      take(answer);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      fault.value = error.status === 0 ? '' : error.message;
      if (history === null) phase.value = 'failed';
      timer = setTimeout(load, RETRY_MS);
    }
  }

  function take(answer: History): void {
    for (const leave of leaves) leave();
    history = answer;
    fed = new Map();
    for (const one of series) {
      const key = seriesKey(one);
      const window = answer.windows.get(key);
      if (window === undefined) continue;
      const ofDevice = fed.get(one.device) ?? new Map<string, Fed>();
      fed.set(one.device, ofDevice.set(one.metric, { window, key }));
    }
    leaves = answer.parts.flatMap((part) =>
      subscriptionsOf(part.series).map((ask) => live.subscribe({ ...ask, since: part.cursor }, listener)),
    );
    phase.value = 'ready';
    fault.value = '';
    announce();
    // what was read beyond the right edge is used up then
    clearTimeout(timer);
    if (axis.view.peek().kind === 'live') timer = setTimeout(load, Math.min(Math.max(answer.toMs - serverNowMs(), 1000), LONGEST_MS));
  }

  const listener = {
    readings(readings: readonly LiveReading[], conflated: number): void {
      const nowMs = serverNowMs();
      const untilMs = history?.isLive === true ? Number.POSITIVE_INFINITY : (history?.toMs ?? 0);
      for (const [device, metric, timeMs, value] of readings) {
        const one = fed.get(device)?.get(metric);
        if (one === undefined) continue;
        if (timeMs <= untilMs) one.window.add(timeMs, value);
        const newest = latest.get(one.key);
        if (newest === undefined) latest.set(one.key, { timeMs, value, heardMs: nowMs });
        else if (timeMs >= newest.timeMs || newest.timeMs > nowMs + SLACK_MS) {
          newest.timeMs = timeMs;
          newest.value = value;
          newest.heardMs = nowMs;
        }
      }
      if (conflated > 0) mendTimer ??= setTimeout(mend, MEND_MS);
      queuePaint(settle);
    },
    reset: () => void load(),
  };
  function mend(): void {
    mendTimer = undefined;
    void load();
  }

  function settle(): void {
    const keepFromMs = axis.edges()[0] - KEPT_BEFORE * spanOf(axis.view.peek());
    for (const ofDevice of fed.values()) for (const { window } of ofDevice.values()) window.dropBefore(keepFromMs);
    announce();
  }

  function isKnown(view: TimeView): boolean {
    if (history === null || series.some((one) => !history?.windows.has(seriesKey(one)))) return false;
    const [fromMs, toMs] = edgesOf(view);
    const knownToMs = history.isLive ? Math.max(history.toMs, serverNowMs()) : history.toMs;
    if (fromMs < history.fromMs || toMs > knownToMs) return false;
    const wantedMs = bucketFor(view, series.length);
    for (const { bucketMs } of history.windows.values())
      if (bucketMs === 0 ? wantedMs > NARROWER * history.bucketMs : bucketMs > wantedMs * WIDER || bucketMs < wantedMs / NARROWER)
        return false;
    return true;
  }
  const stopWatching = axis.settled.subscribe((view) => {
    if (series.length > 0 && !isKnown(view)) void load();
  });

  return {
    phase,
    fault,
    changed,
    window: (key) => history?.windows.get(key) ?? null,
    latest: (key) => latest.get(key),
    set(next) {
      const keys = new Set(next.map(seriesKey));
      const isGrown = next.some((one) => !history?.windows.has(seriesKey(one)));
      const isShrunk = series.some((one) => !keys.has(seriesKey(one)));
      series = next;
      if (next.length === 0) {
        abort.abort();
        for (const leave of leaves) leave();
        leaves = [];
        history = null;
        fed = new Map();
      } else if (isGrown || isShrunk) void load();
    },
    retry: () => void load(),
    close() {
      isClosed = true;
      abort.abort();
      clearTimeout(timer);
      clearTimeout(mendTimer);
      stopWatching();
      dropPaint(settle);
      for (const leave of leaves) leave();
      leaves = [];
    },
  };
}

/** A subscription takes every named metric of every named device: devices of which the same metrics are wanted share one. */
function subscriptionsOf(series: readonly SeriesName[]): { devices: string[]; metrics: string[] }[] {
  const metricsOf = new Map<string, string[]>();
  for (const { device, metric } of series) metricsOf.set(device, [...(metricsOf.get(device) ?? []), metric]);
  const together = new Map<string, { devices: string[]; metrics: string[] }>();
  for (const [device, metrics] of metricsOf) {
    const id = [...metrics].sort().join(' ');
    const known = together.get(id);
    if (known === undefined) together.set(id, { devices: [device], metrics });
    else known.devices.push(device);
  }
  return [...together.values()];
}
