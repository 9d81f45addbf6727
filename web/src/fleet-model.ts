// All devices, kept current: the list by REST, values and presence by the live socket. Messages only mutate; once per animation frame the
// devices that changed are announced. `list` changes when devices come, go or are edited.
import { batch, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { DevicePresence, LiveReading } from '../../gateway/protocol/messages.ts';
import type { BucketRow, DeviceView } from '../../gateway/protocol/rest.ts';
import { ApiError, api, getBuckets } from './api.ts';
import { serverNowMs } from './clock.ts';
import { LiveDevice } from './live-device.ts';
import type { LiveMetric } from './live-device.ts';
import type { LiveConnection } from './live-connection.ts';

export type MetricsOf = (device: LiveDevice) => readonly LiveMetric[];

export interface FleetModel {
  readonly list: ReadonlySignal<readonly LiveDevice[]>;
  readonly loading: ReadonlySignal<'loading' | 'ready' | 'failed'>;
  get(id: string): LiveDevice | undefined;
  /** A device told by an answer elsewhere (added, edited). */
  put(view: DeviceView): LiveDevice;
  drop(id: string): void;
  /** Loads or refreshes the whole list. */
  load(): Promise<void>;
  /**
   * Follows live readings of these devices (`*` for all) until the returned function is called. `refresh` is called when the connection
   * is back after a break: labels, tags and new devices may have changed while nobody was told.
   */
  follow(patterns: readonly string[], refresh: () => void): () => void;
  /** Reads the last hour of these devices' metrics (the shown ones, if not said), once each. */
  seed(devices: readonly LiveDevice[], metricsOf?: MetricsOf): Promise<void>;
  close(): void;
}

const PAGE_ROWS = 1000;
const SPARK_POINTS = 120;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Devices that turn up unknown are asked for together. */
const ASK_AFTER_MS = 400;
const ASK_SINGLY_MOST = 20;
/** Keeps the query's address well under the gateway's header limit. */
const SEED_TOGETHER = 24;

export function createFleetModel(live: LiveConnection): FleetModel {
  const devices = new Map<string, LiveDevice>();
  const list = signal<readonly LiveDevice[]>([]);
  const loading = signal<'loading' | 'ready' | 'failed'>('loading');
  const dirty = new Set<LiveDevice>();
  const unknown = new Set<string>();
  let frame = 0;
  let askTimer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let loadingNow: Promise<void> | null = null;

  const publish = (): void => {
    list.value = [...devices.values()];
  };

  function touch(device: LiveDevice): void {
    dirty.add(device);
    frame ||= requestAnimationFrame(announce);
  }
  function announce(): void {
    frame = 0;
    batch(() => {
      for (const device of dirty) device.changed.value++;
    });
    dirty.clear();
  }

  function put(view: DeviceView): LiveDevice {
    const known = devices.get(view.id);
    if (known !== undefined) {
      known.update(view, serverNowMs());
      touch(known);
      return known;
    }
    const device = new LiveDevice(view, serverNowMs());
    devices.set(view.id, device);
    return device;
  }

  async function loadAll(): Promise<void> {
    try {
      const seen = new Set<string>();
      let next: string | undefined;
      do {
        const page = await api.get('/v1/devices', { query: { limit: PAGE_ROWS, next } });
        if (isClosed) return;
        for (const view of page.items) {
          seen.add(view.id);
          put(view);
        }
        next = page.next ?? undefined;
        publish();
      } while (next !== undefined);
      for (const id of devices.keys()) if (!seen.has(id)) devices.delete(id);
      publish();
      loading.value = 'ready';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (loading.value === 'loading') loading.value = 'failed';
    }
  }

  function askFor(id: string): void {
    unknown.add(id);
    askTimer ??= setTimeout(async () => {
      askTimer = undefined;
      const ids = [...unknown];
      unknown.clear();
      if (ids.length > ASK_SINGLY_MOST) return model.load();
      const answers = await Promise.allSettled(ids.map((one) => api.get('/v1/devices/:id', { params: { id: one } })));
      if (isClosed) return;
      for (const answer of answers) if (answer.status === 'fulfilled') put(answer.value);
      publish();
    }, ASK_AFTER_MS);
  }

  function takeReadings(readings: readonly LiveReading[]): void {
    const nowMs = serverNowMs();
    for (const [id, metric, timeMs, value] of readings) {
      const device = devices.get(id);
      if (device === undefined) askFor(id);
      else {
        if (device.reading(metric, timeMs, value, nowMs)) askFor(id);
        touch(device);
      }
    }
  }
  function takePresence(presences: readonly DevicePresence[]): void {
    for (const { device: id, online, lastSeenMs } of presences) {
      const device = devices.get(id);
      if (device === undefined) {
        askFor(id);
        continue;
      }
      device.presence(online, lastSeenMs);
      touch(device);
    }
  }

  async function seedSome(fresh: readonly LiveDevice[], metricsOf: MetricsOf): Promise<void> {
    const metrics = new Set(fresh.flatMap((device) => metricsOf(device).map(({ name }) => name)));
    const toMs = Math.ceil(serverNowMs());
    const ask = (spanMs: number) =>
      getBuckets({
        device: fresh.map((device) => device.id),
        metric: [...metrics],
        from: toMs - spanMs,
        to: toMs,
        points: SPARK_POINTS,
      });
    try {
      let answer = await ask(HOUR_MS);
      // an hour of a fleet that tells since a minute would be two points: what there is, is asked for more finely
      const oldestMs = Math.min(toMs, ...answer.series.map(({ buckets }) => buckets[0]?.[0] ?? toMs));
      if (oldestMs < toMs && toMs - oldestMs < HOUR_MS / 4) answer = await ask(Math.max(MINUTE_MS, toMs - Math.floor(oldestMs)));
      for (const series of answer.series) {
        const device = devices.get(series.device);
        const metric = device?.metrics.get(series.metric);
        if (device === undefined || metric === undefined) continue;
        seedMetric(metric, series.buckets);
        touch(device);
      }
    } catch (error) {
      for (const device of fresh) for (const metric of metricsOf(device)) metric.isSeeded = false;
      if (!(error instanceof ApiError)) throw error;
    }
  }

  const model: FleetModel = {
    list,
    loading,
    get: (id) => devices.get(id),
    put(view) {
      const isNew = !devices.has(view.id);
      const device = put(view);
      if (isNew) publish();
      return device;
    },
    drop(id) {
      if (devices.delete(id)) publish();
    },
    load() {
      loadingNow ??= loadAll().finally(() => {
        loadingNow = null;
      });
      return loadingNow;
    },
    follow(patterns, refresh) {
      let isFirst = true;
      const refreshAfterFirst = (): void => {
        if (!isFirst) refresh();
        isFirst = false;
      };
      return live.subscribe(
        // older values are of no use here: after a minute's silence the present ones are asked for
        { devices: patterns, resumeWithinMs: 60_000 },
        {
          snapshot(latest, presences, isLast) {
            const nowMs = serverNowMs();
            for (const [id, metric, timeMs, value] of latest) {
              const device = devices.get(id);
              const known = device?.metrics.get(metric);
              // the list carries the same with units; only what is newer than it matters
              if (device === undefined || known === undefined) askFor(id);
              else if (timeMs > known.timeMs) {
                device.missed(metric, timeMs, value, nowMs);
                touch(device);
              }
            }
            takePresence(presences);
            if (isLast) refreshAfterFirst();
          },
          resumed(presences) {
            takePresence(presences);
            refreshAfterFirst();
          },
          readings: takeReadings,
          device(change) {
            takePresence([{ device: change.device, online: change.online, lastSeenMs: change.atMs }]);
          },
        },
      );
    },
    async seed(wanted, metricsOf = (device) => device.shown) {
      const fresh = wanted.filter((device) => metricsOf(device).some(({ isSeeded }) => !isSeeded));
      for (const device of fresh) for (const metric of metricsOf(device)) metric.isSeeded = true;
      for (let i = 0; i < fresh.length; i += SEED_TOGETHER) await seedSome(fresh.slice(i, i + SEED_TOGETHER), metricsOf);
    },
    close() {
      isClosed = true;
      cancelAnimationFrame(frame);
      clearTimeout(askTimer);
    },
  };
  return model;
}

function seedMetric(metric: LiveMetric, buckets: readonly BucketRow[]): void {
  const points: [number, number][] = [];
  for (const [startMs, , , , , , last] of buckets) {
    // the last of each bucket: live values go on in the same grain
    if (typeof last !== 'string') points.push([startMs, Number(last)]);
  }
  metric.recent.seed(points);
}
