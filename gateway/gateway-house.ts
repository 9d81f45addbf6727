// The inside of the gateway without its doors: stores, identity, ingest, relay and the API. A running gateway opens it, and so does a
// command where none runs.

import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { createActNews } from './act-news.ts';
import type { Alarms } from './alarms.ts';
import { createApi } from './api/api.ts';
import { createLiveSeats, type LiveSeats } from './api/live-seats.ts';
import type { Config, Limits } from './config.ts';
import { createCaptureDesk } from './capture-desk.ts';
import { createDemoDesk, type DemoDesk } from './demo-desk.ts';
import { createPurge } from './purge.ts';
import { createChunkAlarm } from './chunk-alarm.ts';
import { createImportDesk } from './import-desk.ts';
import { retentionRules } from './config-retention.ts';
import type { ConfigOrigin } from './config-view.ts';
import type { Authorize } from './identity/access.ts';
import { type Identity, openIdentity } from './identity/identity.ts';
import { createCatalogue } from './ingest/catalogue.ts';
import { createIngest, type DeviceSettings, type Ingest } from './ingest/ingest.ts';
import { SERIAL_REPLAY_STREAM } from './ingest/serial.ts';
import { createStreams } from './ingest/streams.ts';
import type { Observe } from './observe.ts';
import type { PairingChange } from './protocol/messages.ts';
import type { AttemptView, CertificateView } from './protocol/rest.ts';
import { createRate } from './rate.ts';
import { createInProcessBus } from './relay/bus.ts';
import { createLiveFeed, type LiveFeed } from './relay/live-feed.ts';
import { VERSION } from './release.ts';
import { refuseCutRestore } from './restore.ts';
import { fullBelowBytes, readVolume as readRealVolume, type ReadVolume } from './storage/disk-watch.ts';
import { forecastRetention } from './retention-forecast.ts';
import { createRetentionNews } from './retention-news.ts';
import { openHouseAlarms } from './house-alarms.ts';
import { openSerialBook, type SerialBook } from './serial-book.ts';
import { openSettingsBook, type SettingsBook } from './settings-book.ts';
import { openSqliteRegistry } from './storage/sqlite-registry.ts';
import { SEALING } from './storage/sealing.ts';
import { openSqliteStore } from './storage/sqlite-store.ts';
import { readProcessBytes, wearOf } from './storage/write-wear.ts';
import { openStoreGuard } from './store-guard.ts';
import { createUpkeepDesk, type UpkeepDesk } from './upkeep-desk.ts';
import { createSerialPorts, type SerialSink } from './transports/serial/serial.ts';

export interface House {
  readonly identity: Identity;
  readonly ingest: Ingest;
  readonly feed: LiveFeed;
  readonly seats: LiveSeats;
  readonly serial: SerialBook;
  readonly upkeep: UpkeepDesk;
  readonly demo: DemoDesk;
  /** What the console may change is read here, and not in the configuration that was started with. */
  readonly settings: SettingsBook;
  readonly alarms: Alarms;
  readonly limits: Limits;
  readonly setupCode: string | null;
  readonly settingsOf: (device: string) => DeviceSettings;
  openApi(doors: {
    authorize: Authorize;
    attemptsOf: (device: string, askedFrom: string) => readonly AttemptView[];
    caPem: string | null;
    certificate: () => CertificateView | null;
  }): ReturnType<typeof createApi>;
  isDraining(): boolean;
  /** From now on nobody new is let in; resolves when everything taken is on disk and acknowledged. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const inTree = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Of the free space that storing keeps, what the write-ahead log may take at most before it is written into the database. */
const WAL_SHARE = 0.25;
const SMALLEST_WAL_BYTES = 256 * 1024;
/** Of the time for the drain, what the last commits may take; closing the sockets takes the rest. */
const SETTLE_SHARE = 0.4;

export interface HouseOptions {
  /** What tells how much room the disk has: a test's own, or the system's. */
  readonly readVolume?: ReadVolume | undefined;
  /** Where the configuration's values are from; left out: from whoever calls. */
  readonly origin?: ConfigOrigin | undefined;
}

/** The caller holds the directory's lock. Everything that was opened is closed again when a later part fails. */
export async function openHouse(
  config: Config,
  observe: Observe,
  { readVolume = readRealVolume, origin }: HouseOptions = {},
): Promise<House> {
  const { limits } = config;
  const nowUs = (): number => Date.now() * 1000;
  let isDraining = false;
  await using undo = new AsyncDisposableStack();
  refuseCutRestore(config.data);
  const registryFile = join(config.data, 'registry.db');
  const tables = await openSqliteRegistry({ file: registryFile, migrationsDir: inTree('migrations/registry') });
  undo.defer(tables.close);
  const acts = createActNews(tables, () => ingest.recordEvent);
  const { registry } = acts;
  const settings = await openSettingsBook({
    config,
    origin,
    registry,
    observe,
    forecast: (rules) => forecastRetention({ rules, catalogue, store, nowMs: Date.now() }),
  });
  let setupCode: string | null = null;
  const identity = await openIdentity({
    registry,
    revocationsFile: join(config.data, 'revocations.log'),
    observe,
    limits,
    onSetupCode: (code) => {
      setupCode = code;
    },
  });
  undo.defer(identity.close);

  const file = join(config.data, 'fieldgate.db');
  const dropped = observe.counterBy('fieldgate_rows_dropped_total', 'Rows that went for room or age, by table.', 'table');
  const chunkAlarm = createChunkAlarm(observe);
  const store = await openSqliteStore({
    file,
    walCheckpointBytes: await walBytes(config, readVolume),
    bounds: {
      quarantineDeviceBytes: limits.quarantineDeviceBytes,
      quarantineBytes: limits.quarantineBytes,
      eventDays: limits.eventDays,
      eventRows: limits.eventRows,
    },
    sealing: { ...SEALING, replayMs: config.relay.replayMinutes * 60_000 },
    onSealFailed: (error) => observe.log.error({ err: error }, 'Sealing broke off and is tried again; nothing is lost, the log grows'),
    retention: { rules: retentionRules(settings.config.retention), ...createRetentionNews(observe, (event) => ingest.recordEvent(event)) },
    onChunkDamaged: chunkAlarm.hear,
    onDropped({ quarantine, events }) {
      dropped.add('quarantine', quarantine);
      dropped.add('events', events);
    },
    onChecked: ({ outcome, ...facts }) =>
      observe.log[outcome === 'sound' ? 'info' : 'error'](facts, `The database was looked through after an error: it is ${outcome}`),
  });
  undo.defer(store.close);
  const stored = await store.catalogue();
  const catalogue = createCatalogue(stored);
  const streams = createStreams(limits, stored.streams);
  const bus = createInProcessBus((error) => observe.log.error({ err: error }, 'A listener of the bus failed'));
  undo.defer(bus.close);

  const settingsOf = createSettings(identity, settings);
  const ingest = createIngest({
    store,
    bus,
    catalogue,
    streams,
    limits,
    commitIntervalMs: config.store.commitIntervalMs,
    settingsOf,
    readLine: (device, line) => serial.readLine(device, line),
    observe,
    nowUs,
  });
  undo.defer(ingest.close);
  undo.defer(async () => acts.stop());
  chunkAlarm.start({ catalogue, recordEvent: ingest.recordEvent });
  observe.gaugeBy('fieldgate_written_bytes', 'Written to the disk since the start, by part.', ['part'], function* () {
    const { logBytes, databaseBytes } = store.written();
    yield [['log'], logBytes];
    yield [['database'], databaseBytes];
    yield [['process'], readProcessBytes() ?? Number.NaN];
  });
  const guard = await openStoreGuard({
    folder: config.data,
    file,
    minFreeBytes: config.store.minFreeBytes,
    readVolume,
    ingest,
    store,
    observe,
  });
  undo.defer(async () => guard.close());
  const feed = createLiveFeed({
    store,
    bus,
    catalogue,
    presence: ingest.presence,
    devices: () => Array.from(identity.devices.all(), (device) => device.id),
    limits,
    now: Date.now,
    steadyMs: () => performance.now(),
    onError: (error) => observe.log.error({ err: error }, 'A subscription failed'),
  });
  undo.defer(async () => feed.close());
  const seats = createLiveSeats({ identity, limits });
  undo.defer(seats.close);
  identity.pairing.onChange(({ what, request }) => {
    const { openUntilMs, requests } = identity.pairing.state();
    const pending = requests.filter(({ state }) => state === 'pending').length;
    seats.tell('operator', JSON.stringify({ type: 'pairing', openUntilMs, pending } satisfies PairingChange));
    const detail = request === null ? {} : { device: request.device, detail: { id: request.id, address: request.address } };
    ingest.recordEvent({ type: 'pairing', reason: what, ...detail });
  });

  const ports = createSerialPorts({ limits, observe, sink: createSerialSink(identity, ingest, observe) });
  const roomBytes = async (): Promise<number> => {
    const volume = await readVolume(config.data);
    return volume.freeBytes - 2 * fullBelowBytes(config.store.minFreeBytes, volume);
  };
  const imports = createImportDesk({
    folder: config.data,
    roomBytes,
    imports: ingest.imports,
    isKnown: (device) => identity.devices.get(device) !== undefined,
    recordEvent: ingest.recordEvent,
  });
  undo.defer(imports.stop);
  const captures = createCaptureDesk({
    folder: config.data,
    limits,
    observe,
    nowUs,
    roomBytes,
    statusOf: (device) => identity.devices.get(device)?.status,
    store: (device, frames, refused) => ingest.serial.store(device, frames, { stream: SERIAL_REPLAY_STREAM, refused }),
    recordEvent: ingest.recordEvent,
    serial: () => serial,
    tap: ports.tap,
  });
  undo.defer(captures.stop);
  const serial = await openSerialBook({
    ports,
    fromFile: config.serial.ports,
    registry,
    identity,
    limits,
    recordEvent: ingest.recordEvent,
    observe,
    further: [ingest.bridgedPorts, captures.replayViews],
  });
  undo.defer(() => serial.stop(0));

  const upkeep = createUpkeepDesk({
    config,
    backup: () => settings.config.backup,
    store,
    file,
    registryFile,
    version: VERSION,
    readVolume,
    observe,
    recordEvent: ingest.recordEvent,
  });
  undo.defer(async () => upkeep.close());

  settings.onChange((keys) => {
    if (keys.has('retention')) store.setRetention(retentionRules(settings.config.retention));
    if ([...keys].some((key) => key.startsWith('backup.'))) upkeep.reschedule();
  });

  const alarms = openHouseAlarms({ observe, bus, ingest, identity, guard, serial, upkeep, chunks: chunkAlarm });
  undo.defer(async () => alarms.close());

  const purge = createPurge({ store, ingest, catalogue });
  const ca = config.tls === 'auto' ? join(config.data, 'tls/ca.crt') : null;
  const demo = createDemoDesk({ dataDir: config.data, ca, identity, purge, log: observe.log });
  undo.defer(demo.stop);

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
    seats,
    serial,
    upkeep,
    demo,
    settings,
    alarms,
    limits,
    setupCode,
    settingsOf,
    openApi: ({ authorize, attemptsOf, caPem, certificate }) =>
      createApi({
        store,
        catalogue,
        presence: ingest.presence,
        identity,
        registry,
        authorize,
        ingestPack: ingest.storePack,
        packsAcked: ingest.packsAcked,
        enterPost: ingest.posts.enter,
        replays: ingest.replays,
        watchFrames: ingest.watchFrames,
        observe,
        config,
        info: { version: VERSION, startedAtMs },
        caPem,
        consoleFolder: inTree('web/dist'),
        isReady: () => (ingest.isStoring() ? { ready: true } : { ready: false, reason: guard.view().message }),
        isDraining: () => isDraining,
        feed,
        seats,
        liveNumbers: () => ({
          subscribers: feed.subscriberCount,
          readingsPerSecond: rate.perSecond,
          commitP50Ms: whole(commits.percentile(0.5)),
          commitP99Ms: whole(commits.percentile(0.99)),
          storage: guard.view(),
          alarms: alarms.views(),
          written: wearOf(store.written(), Date.now() - startedAtMs),
        }),
        serial,
        captures,
        imports,
        upkeep,
        demo,
        purge,
        attemptsOf,
        settings,
        certificate,
        unsealed: store.unsealed,
        nowMs: Date.now,
      }),
    isDraining: () => isDraining,
    drain() {
      isDraining = true;
      ingest.posts.close();
      // a disk that hangs must not keep anybody from hearing the goodbye
      const settleMs = limits.drainSeconds * 1000 * SETTLE_SHARE;
      const settled = Promise.all([serial.stop(settleMs), captures.stop(), imports.stop(), demo.stop()]).then(ingest.settle);
      return Promise.race([settled, wait(settleMs, undefined, { ref: false })]);
    },
    close: () => closers.disposeAsync(),
  };
}

/** The log of a small volume is kept small too: writing it into the database needs as much room again, out of what is kept free. */
async function walBytes({ data, limits, store }: Config, readVolume: ReadVolume): Promise<number> {
  const volume = await readVolume(data).catch(() => null);
  const reserve = volume === null ? 0 : fullBelowBytes(store.minFreeBytes, volume);
  if (reserve === 0) return limits.walCheckpointBytes;
  return Math.min(limits.walCheckpointBytes, Math.max(SMALLEST_WAL_BYTES, Math.floor(reserve * WAL_SHARE)));
}

/** What serial sensors say is stored as long as their device is active. */
function createSerialSink(identity: Identity, ingest: Ingest, observe: Observe): SerialSink {
  const refusals = observe.counterBy('fieldgate_refusals_total', 'Refused frames and records, by code.', 'code');
  return {
    async store(device, frames) {
      if (identity.devices.get(device)?.status === 'active') return ingest.serial.store(device, frames);
      refusals.add('suspended', frames.length);
      return true;
    },
    follow: (device, path, absence) =>
      ingest.serial.follow(device, path, identity.devices.get(device)?.status === 'active' ? absence : 'suspended'),
    recordEvent: ingest.recordEvent,
  };
}

/** What sessions ask for with every frame, remembered until the device, or the settings, change. */
function createSettings(identity: Identity, settings: SettingsBook): (device: string) => DeviceSettings {
  const known = new Map<string, DeviceSettings>();
  identity.devices.onChange((id) => known.delete(id));
  settings.onChange(() => known.clear());
  return (device) => {
    let its = known.get(device);
    if (its === undefined) {
      const row = identity.devices.get(device);
      const { liveness } = settings.config;
      its = {
        clock: row?.clock ?? 'device',
        pingSeconds: row?.pingSeconds ?? liveness.pingSeconds,
        pongSeconds: liveness.pongSeconds,
      };
      known.set(device, its);
    }
    return its;
  };
}
