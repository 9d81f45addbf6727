// What the REST handlers are given, and the types that every file here shares. Interfaces only: gateway.ts names who stands behind them.

import type { ServerResponse } from 'node:http';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Config } from '../config.ts';
import type { Authorize } from '../identity/access.ts';
import type { Identity, Principal, Refusal } from '../identity/identity.ts';
import type { Peer } from '../identity/peer.ts';
import type { Catalogue } from '../ingest/catalogue.ts';
import type { FrameWatch } from '../ingest/frame-watch.ts';
import type { PackIngest } from '../ingest/pack.ts';
import type { PostGate } from '../ingest/post-gate.ts';
import type { Presence } from '../ingest/presence.ts';
import type { Replays } from '../ingest/replay.ts';
import type { Observe } from '../observe.ts';
import type {
  AlarmView,
  AttachedPortView,
  AttemptView,
  CertificateView,
  SerialPortView,
  SerialTried,
  StorageView,
  WrittenView,
} from '../protocol/rest.ts';
import type { Registry } from '../storage/registry.ts';
import type { ReadingStore } from '../storage/store.ts';
import type { LiveFeed } from '../relay/live-feed.ts';
import type { CaptureBook } from './capture-book.ts';
import type { DemoBook } from './demo-book.ts';
import type { ImportBook } from './import-book.ts';
import type { LiveSeats } from './live-seats.ts';
import type { SettingsBook } from './settings-book.ts';
import type { UpkeepBook } from './upkeep-book.ts';

/** Numbers of the moment that only the running parts know. */
export interface LiveNumbers {
  readonly subscribers: number;
  readonly readingsPerSecond: number;
  readonly commitP50Ms: number | null;
  readonly commitP99Ms: number | null;
  readonly storage: StorageView;
  readonly written: WrittenView;
  readonly alarms: readonly AlarmView[];
}

/** Why settings were not taken, with the place of each fault as a JSON pointer. */
export interface SerialRefusal extends Refusal {
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}
/** The serial ports, whoever set them. What is changed here is on disk, and in force, when it resolves. */
export interface SerialBook {
  views(): readonly SerialPortView[];
  attached(): Promise<readonly AttachedPortView[]>;
  add(raw: unknown, actor: string): Promise<SerialPortView | SerialRefusal>;
  replace(id: string, raw: unknown, actor: string): Promise<SerialPortView | SerialRefusal>;
  remove(id: string, actor: string): Promise<true | SerialRefusal>;
  /** What a framing and a rule make of some bytes. Pure. */
  tryOut(raw: unknown): Promise<SerialTried | SerialRefusal>;
}

export interface ApiDeps {
  readonly store: ReadingStore;
  readonly catalogue: Catalogue;
  readonly presence: Presence;
  readonly identity: Identity;
  readonly registry: Registry;
  readonly authorize: Authorize;
  /** Stores a SenML pack and resolves once its fate is on disk. */
  readonly ingestPack: PackIngest['store'];
  readonly packsAcked: PackIngest['acked'];
  readonly enterPost: PostGate['enter'];
  readonly replays: Replays;
  /** Begins to watch a device's frames, and gives what was seen of them; null while too many are watched. */
  readonly watchFrames: FrameWatch['watch'];
  readonly observe: Observe;
  readonly config: Config;
  readonly info: { readonly version: string; readonly startedAtMs: number };
  /** The private CA's certificate, or null when the certificate is the owner's own or TLS is off. */
  readonly caPem: string | null;
  /** The built console; a folder that does not exist means none. */
  readonly consoleFolder: string;
  readonly isReady: () => { readonly ready: boolean; readonly reason?: string };
  readonly isDraining: () => boolean;
  readonly feed: LiveFeed;
  readonly seats: LiveSeats;
  readonly liveNumbers: () => LiveNumbers;
  readonly serial: SerialBook;
  readonly captures: CaptureBook;
  readonly imports: ImportBook;
  readonly upkeep: UpkeepBook;
  readonly demo: DemoBook;
  /** Refused at the devices' doors lately: of this device, or of nobody known. */
  readonly attemptsOf: (device: string, askedFrom: string) => readonly AttemptView[];
  /** Deletes what devices that were removed have stored; resolves with how many readings went. */
  readonly purge: (devices: readonly string[]) => Promise<number>;
  readonly settings: SettingsBook;
  /** Of the listening port; null without TLS. */
  readonly certificate: () => CertificateView | null;
  /** Readings that are not compressed yet. */
  readonly unsealed: () => number;
  readonly nowMs: () => number;
}

/** Set by our own servers only: `incoming` and `peer` by the one on TCP, `local` by the one on the control socket. */
export interface ApiBindings {
  readonly incoming?: { readonly url?: string; readonly rawHeaders: readonly string[] };
  readonly outgoing?: ServerResponse;
  readonly peer?: Peer;
  readonly local?: boolean;
}
export interface ApiEnv {
  Bindings: ApiBindings;
  Variables: {
    principal: Principal | null;
    address: string;
    /** TLS up to us, or to a proxy that we trust. */
    encrypted: boolean;
    enrolmentKey: string | undefined;
    /** The code of the refusal that this request got. */
    refused: string | undefined;
  };
}
export type Api = OpenAPIHono<ApiEnv>;

export function actorOf(principal: Principal | null): string {
  switch (principal?.kind) {
    case undefined:
      return 'nobody';
    case 'device':
      return `device ${principal.device}`;
    case 'key':
      return `key ${principal.name}`;
    case 'user':
      return principal.name;
    case 'local':
      return 'local';
  }
}
