// The HTTP interface over a real store, ingest, identity and listening port, all in a temporary folder, with one credential a role.

import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLiveSeats } from '../../gateway/api/live-seats.ts';
import { createApi } from '../../gateway/api/api.ts';
import type { ApiBindings, ApiDeps } from '../../gateway/api/api-deps.ts';
import { createCaptureDesk } from '../../gateway/capture-desk.ts';
import { createImportDesk } from '../../gateway/import-desk.ts';
import { type Config, DEFAULTS, type Limits } from '../../gateway/config.ts';
import { createHttpServer } from '../../gateway/http-server.ts';
import { createAccess } from '../../gateway/identity/access.ts';
import { createOrigins } from '../../gateway/identity/origins.ts';
import { createCatalogue } from '../../gateway/ingest/catalogue.ts';
import { createIngest } from '../../gateway/ingest/ingest.ts';
import { createStreams } from '../../gateway/ingest/streams.ts';
import type { Role } from '../../gateway/protocol/rest.ts';
import { createInProcessBus } from '../../gateway/relay/bus.ts';
import { createLiveFeed } from '../../gateway/relay/live-feed.ts';
import type { ReadingStore } from '../../gateway/storage/store.ts';
import { openSettingsBook } from '../../gateway/settings-book.ts';
import { openSerialBook } from '../../gateway/serial-book.ts';
import { createSerialPorts } from '../../gateway/transports/serial/serial.ts';
import { readVolume } from '../../gateway/storage/disk-watch.ts';
import { createPurge } from '../../gateway/purge.ts';
import { createDemoDesk } from '../../gateway/demo-desk.ts';
import { createUpkeepDesk } from '../../gateway/upkeep-desk.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { granted, openTestIdentity, secretOf, type TestIdentity } from './test-identity.ts';

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, `undefined` when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}
export interface AskOptions {
  readonly as?: Role | 'device' | 'nobody';
  readonly json?: unknown;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface ApiHouse {
  readonly url: string;
  readonly port: number;
  readonly test: TestIdentity;
  readonly deps: ApiDeps;
  /** The device whose token `as: 'device'` sends. */
  readonly device: string;
  readonly keys: Readonly<Record<Role, string>>;
  readonly deviceToken: string;
  /** What the next questions for it are told. */
  readonly state: { ready: { ready: boolean; reason?: string }; draining: boolean };
  ask(method: string, target: string, options?: AskOptions): Promise<Asked>;
  /** Straight into the app, as the control socket does. */
  local(method: string, target: string, json?: unknown): Promise<Asked>;
  /** Raw bytes out, all bytes back until the other end closes. */
  raw(text: string): Promise<string>;
  /** Puts a SenML pack of a device on disk. */
  store(device: string, records: readonly object[]): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface HouseOptions {
  readonly limits?: Partial<Limits>;
  readonly config?: Partial<Omit<Config, 'limits'>>;
  readonly deps?: Partial<ApiDeps>;
  /** Stands between the API and the real store. */
  readonly wrapStore?: (store: ReadingStore) => ReadingStore;
}

export async function openApiHouse({
  limits = {},
  config: overrides = {},
  deps: replaced = {},
  wrapStore = (store) => store,
}: HouseOptions = {}): Promise<ApiHouse> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-api-'));
  const test = await openTestIdentity(limits, 'real');
  const config: Config = {
    ...DEFAULTS,
    ...overrides,
    data: folder,
    tls: 'off',
    http: { ...DEFAULTS.http, ...overrides.http, host: '127.0.0.1', port: 0 },
    limits: { ...DEFAULTS.limits, ...limits },
  };
  const { observe, identity } = test;
  const store = await openSqliteStore({ file: path.join(folder, 'fieldgate.db'), walCheckpointBytes: config.limits.walCheckpointBytes });
  const stored = await store.catalogue();
  const catalogue = createCatalogue(stored);
  const bus = createInProcessBus((error) => {
    throw error;
  });
  const ingest = createIngest({
    store,
    bus,
    catalogue,
    streams: createStreams(config.limits, stored.streams),
    limits: config.limits,
    commitIntervalMs: 0,
    settingsOf: (id) => ({ clock: identity.devices.get(id)?.clock ?? 'device', pingSeconds: 25, pongSeconds: 10 }),
    observe,
    nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  });
  // not started: it keeps the books, and opens no port
  const ports = createSerialPorts({
    limits: config.limits,
    observe,
    sink: { store: async () => true, follow: () => undefined, recordEvent: ingest.recordEvent },
  });
  const captures = createCaptureDesk({
    folder,
    limits: config.limits,
    observe,
    nowUs: () => Date.now() * 1000,
    roomBytes: async () => Number.POSITIVE_INFINITY,
    statusOf: (device) => identity.devices.get(device)?.status,
    store: async () => true,
    recordEvent: ingest.recordEvent,
    serial: () => serial,
    tap: ports.tap,
  });
  const serial = await openSerialBook({
    ports,
    fromFile: config.serial.ports,
    registry: test.registry,
    identity,
    limits: config.limits,
    recordEvent: ingest.recordEvent,
    observe,
    further: [],
  });
  const upkeep = createUpkeepDesk({
    config,
    backup: () => config.backup,
    store,
    file: path.join(folder, 'fieldgate.db'),
    registryFile: test.registryFile,
    version: '0.0.0-test',
    readVolume,
    observe,
    recordEvent: ingest.recordEvent,
  });
  const feed = createLiveFeed({
    store,
    bus,
    catalogue,
    presence: ingest.presence,
    devices: () => Array.from(identity.devices.all(), (row) => row.id),
    limits: config.limits,
    now: Date.now,
    steadyMs: () => performance.now(),
    onError: (error) => {
      throw error;
    },
  });
  const seats = createLiveSeats({ identity, limits: config.limits });
  const purge = createPurge({ store, ingest, catalogue });
  const state: ApiHouse['state'] = { ready: { ready: true }, draining: false };
  const authorize = createAccess({
    credentials: identity.credentials,
    origins: createOrigins({ publicUrl: config.http.publicUrl, listed: config.http.origins, names: () => ['127.0.0.1'] }),
  });
  const deps: ApiDeps = {
    store: wrapStore(store),
    catalogue,
    presence: ingest.presence,
    identity,
    registry: test.registry,
    authorize,
    serial,
    captures,
    imports: createImportDesk({
      folder,
      roomBytes: async () => Number.POSITIVE_INFINITY,
      imports: ingest.imports,
      isKnown: (id) => identity.devices.get(id) !== undefined,
      recordEvent: ingest.recordEvent,
    }),
    upkeep,
    demo: createDemoDesk({ dataDir: folder, ca: null, identity, purge, log: observe.log }),
    purge,
    attemptsOf: () => [],
    settings: await openSettingsBook({
      config,
      registry: test.registry,
      observe,
      forecast: async () => [],
    }),
    certificate: () => null,
    unsealed: store.unsealed,
    ingestPack: ingest.storePack,
    enterPost: async () => ({ leave: () => undefined }),
    packsAcked: ingest.packsAcked,
    replays: ingest.replays,
    watchFrames: ingest.watchFrames,
    observe,
    config,
    info: { version: '0.0.0-test', startedAtMs: Date.now() },
    caPem: '-----BEGIN CERTIFICATE-----\n',
    consoleFolder: path.join(folder, 'no-console'),
    isReady: () => state.ready,
    isDraining: () => state.draining,
    feed,
    seats,
    liveNumbers: () => ({
      subscribers: 0,
      readingsPerSecond: 0,
      commitP50Ms: null,
      commitP99Ms: null,
      storage: { state: 'storing', message: '', freeBytes: null },
      written: { logBytes: 0, databaseBytes: 0, processBytes: null, bytesPerDay: null },
      alarms: [],
    }),
    nowMs: Date.now,
    ...replaced,
  };
  const api = createApi(deps);
  const server = createHttpServer({
    config,
    tls: null,
    fetch: (request, env) => api.fetch(request, env),
    authorize,
    upgrades: [],
    observe,
  });
  const { port } = await server.listen();
  const url = `http://127.0.0.1:${port}`;

  const keys = {} as Record<Role, string>;
  for (const role of ['viewer', 'operator', 'admin'] as const) keys[role] = secretOf(await identity.keys.create(role, role, 'test'));
  const device = 'pump-1';
  const deviceToken = secretOf(await identity.devices.create({ id: device }, 'test'));

  return {
    url,
    port,
    test,
    deps,
    device,
    keys,
    deviceToken,
    state,
    async ask(method, target, { as = 'admin', json, body, headers = {} } = {}) {
      const secret = as === 'nobody' ? null : as === 'device' ? deviceToken : keys[as];
      const sent: Record<string, string> = { ...headers };
      if (secret !== null) sent['authorization'] ??= `Bearer ${secret}`;
      if (json !== undefined) sent['content-type'] ??= 'application/json';
      return read(
        await fetch(url + target, {
          method,
          headers: sent,
          body: json === undefined ? (body ?? null) : JSON.stringify(json),
          redirect: 'manual',
        }),
      );
    },
    async local(method, target, json) {
      const init =
        json === undefined ? { method } : { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
      return read(await api.fetch(new Request(`http://localhost${target}`, init), { local: true } satisfies ApiBindings));
    },
    raw: (text) => exchange(port, text),
    async store(id, records) {
      if (!identity.devices.get(id)) granted(await identity.devices.create({ id }, 'test'));
      const result = await ingest.storePack(id, Buffer.from(JSON.stringify(records)));
      if (result.outcome !== 'settled' || result.errors.length > 0) throw new Error(`not stored: ${JSON.stringify(result)}`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([server.close(), seats.close()]);
      feed.close();
      await ingest.close();
      await store.close();
      await test[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function read(response: Response): Promise<Asked> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && !/ndjson/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      heard += part;
    });
    socket.on('end', () => resolve(heard));
    socket.on('error', reject);
  });
}
