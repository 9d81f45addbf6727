// The inside of the gateway without its doors: stores, identity, ingest, relay and the API. A running gateway opens it, and so does a
// command where none runs.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { createApi } from './api/api.ts';
import type { Config, Limits } from './config.ts';
import type { Authorize } from './identity/access.ts';
import { type Identity, openIdentity } from './identity/identity.ts';
import { createCatalogue } from './ingest/catalogue.ts';
import { createIngest, type DeviceSettings, type Ingest } from './ingest/ingest.ts';
import { createStreams } from './ingest/streams.ts';
import type { Observe } from './observe.ts';
import { createRate } from './rate.ts';
import { createInProcessBus } from './relay/bus.ts';
import { createLiveFeed, type LiveFeed } from './relay/live-feed.ts';
import { VERSION } from './release.ts';
import { openSqliteRegistry } from './storage/sqlite-registry.ts';
import { openSqliteStore } from './storage/sqlite-store.ts';

export interface House {
  readonly identity: Identity;
  readonly ingest: Ingest;
  readonly feed: LiveFeed;
  readonly limits: Limits;
  readonly setupCode: string | null;
  readonly settingsOf: (device: string) => DeviceSettings;
  openApi(doors: { authorize: Authorize; caPem: string | null }): ReturnType<typeof createApi>;
  isDraining(): boolean;
  /** From now on nobody new is let in; resolves when everything taken is on disk and acknowledged. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const inTree = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The caller holds the directory's lock. Everything that was opened is closed again when a later part fails. */
export async function openHouse(config: Config, observe: Observe): Promise<House> {
  const { limits, liveness } = config;
  const nowUs = (): number => Date.now() * 1000;
  let isDraining = false;
  await using undo = new AsyncDisposableStack();
  const registry = await openSqliteRegistry({ file: join(config.data, 'registry.db'), migrationsDir: inTree('migrations/registry') });
  undo.defer(registry.close);
  let setupCode: string | null = null;
  const identity = await openIdentity({
    registry,
    observe,
    limits,
    onSetupCode: (code) => {
      setupCode = code;
    },
  });
  undo.defer(identity.close);

  const store = await openSqliteStore({ file: join(config.data, 'fieldgate.db'), walCheckpointBytes: limits.walCheckpointBytes });
  undo.defer(store.close);
  const stored = await store.catalogue();
  const catalogue = createCatalogue(stored, nowUs);
  const streams = createStreams(limits, stored.streams);
  const bus = createInProcessBus((error) => observe.log.error({ err: error }, 'A listener of the bus failed'));
  undo.defer(bus.close);

  const settingsOf = createSettings(identity, liveness);
  const ingest = createIngest({
    store,
    bus,
    catalogue,
    streams,
    limits,
    commitIntervalMs: config.store.commitIntervalMs,
    settingsOf,
    observe,
    nowUs,
  });
  undo.defer(ingest.close);
  const feed = createLiveFeed({
    store,
    bus,
    catalogue,
    presence: ingest.presence,
    devices: () => Array.from(identity.devices.all(), (device) => device.id),
    limits,
    now: Date.now,
    onError: (error) => observe.log.error({ err: error }, 'A subscription failed'),
  });
  undo.defer(async () => feed.close());

  const startedAtMs = Date.now();
  const readings = observe.counter('fieldgate_readings_stored_total', 'Readings committed.');
  const commits = observe.timing('fieldgate_commit_ms', 'Time from handing a batch to the store until it was durable.');
  const rate = createRate(() => readings.value);
  undo.defer(async () => rate.close());
  const whole = (value: number): number | null => (Number.isNaN(value) ? null : value);

  const closers = undo.move();
  return {
    identity,
    ingest,
    feed,
    limits,
    setupCode,
    settingsOf,
    openApi: ({ authorize, caPem }) =>
      createApi({
        store,
        catalogue,
        presence: ingest.presence,
        identity,
        registry,
        authorize,
        ingestPack: ingest.storePack,
        observe,
        config,
        info: { version: VERSION, startedAtMs },
        caPem,
        consoleFolder: inTree('web/dist'),
        isReady: () => (ingest.isStoring() ? { ready: true } : { ready: false, reason: 'the store refused the last batch' }),
        isDraining: () => isDraining,
        liveNumbers: () => ({
          subscribers: feed.subscriberCount,
          readingsPerSecond: rate.perSecond,
          commitP50Ms: whole(commits.percentile(0.5)),
          commitP99Ms: whole(commits.percentile(0.99)),
        }),
        nowMs: Date.now,
      }),
    isDraining: () => isDraining,
    drain() {
      isDraining = true;
      return ingest.settle();
    },
    close: () => closers.disposeAsync(),
  };
}

/** What sessions ask for with every frame, remembered until the device changes. */
function createSettings(identity: Identity, liveness: Config['liveness']): (device: string) => DeviceSettings {
  const known = new Map<string, DeviceSettings>();
  identity.devices.onChange((id) => known.delete(id));
  return (device) => {
    let settings = known.get(device);
    if (settings === undefined) {
      const row = identity.devices.get(device);
      settings = {
        clock: row?.clock ?? 'device',
        pingSeconds: row?.pingSeconds ?? liveness.pingSeconds,
        pongSeconds: liveness.pongSeconds,
      };
      known.set(device, settings);
    }
    return settings;
  };
}
