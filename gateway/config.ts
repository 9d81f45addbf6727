// One literal with every default and the reason for it. load-config.ts lays file, environment and flags over it.

import type { RetentionSetting } from './config-retention.ts';
import type { SerialPortSettings } from './transports/serial/port-settings.ts';

export interface Config {
  readonly data: string;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string;
    readonly origins: readonly string[];
    readonly trustedProxies: readonly string[];
  };
  /** 'auto', 'off', or the files of an own certificate. */
  readonly tls: 'auto' | 'off' | { readonly cert: string; readonly key: string };
  readonly insecure: boolean;
  readonly liveness: { readonly pingSeconds: number; readonly pongSeconds: number };
  readonly store: {
    readonly commitIntervalMs: number;
    /** Free bytes on the data directory's volume below which nothing is stored; 'auto': 256 MiB, at most a tenth of the volume. */
    readonly minFreeBytes: 'auto' | number;
  };
  /** How long readings stay in commit order, for dashboards that resume. */
  readonly relay: { readonly replayMinutes: number };
  /** What becomes of old readings; the first rule that matches a series holds, and what none matches stays. */
  readonly retention: readonly RetentionSetting[];
  readonly backup: {
    /** 'never', or a time such as 24h or 7d between two. */
    readonly every: string;
    /** So many of them stay. */
    readonly keep: number;
    /** An absolute path; '': `backups` in the data directory. */
    readonly dir: string;
  };
  /** Sensors on this machine's serial ports. */
  readonly serial: { readonly ports: readonly SerialPortSettings[] };
  /** For `fieldgate bridge`. */
  readonly bridge: {
    /** What all its devices may keep for a gateway that is away, shared evenly. */
    readonly bufferBytes: number;
    readonly syncMs: number;
  };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'text' };
  readonly limits: Limits;
}

export interface Limits {
  /** What the process may take (RSS); config-rules.ts adds up what the other limits can cost and refuses more than this. */
  readonly memoryBytes: number;
  readonly deviceFrameBytes: number;
  readonly liveFrameBytes: number;
  readonly liveMessagesPerSecond: number;
  readonly restBodyBytes: number;
  readonly fragments: number;
  readonly bufferedChunks: number;
  readonly pendingPongs: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly headersSeconds: number;
  readonly requestSeconds: number;
  readonly handshakeSeconds: number;
  readonly devices: number;
  readonly subscribers: number;
  readonly socketsPerSession: number;
  readonly backlog: number;
  readonly admissionWaiting: number;
  readonly admissionActive: number;
  readonly failedAuthPerMinute: number;
  readonly failedAuthBurst: number;
  readonly passwordQueue: number;
  readonly unackedFrames: number;
  readonly framesInFlightBytes: number;
  readonly deviceFramesPerSecond: number;
  readonly deviceFramesBurst: number;
  readonly deviceReadingsPerSecond: number;
  readonly deviceReadingsBurst: number;
  readonly depth: number;
  readonly keysPerObject: number;
  readonly readingsPerFrame: number;
  readonly nameBytes: number;
  readonly stringBytes: number;
  readonly unreadablePerMinute: number;
  readonly unknownPerMinute: number;
  readonly openStreams: number;
  readonly newStreamsPerHour: number;
  /** Refused input that is kept, with all of its row: of one device, and of all. */
  readonly quarantineDeviceBytes: number;
  readonly quarantineBytes: number;
  readonly eventDays: number;
  readonly eventRows: number;
  readonly pageRows: number;
  readonly chartPoints: number;
  readonly exports: number;
  readonly walCheckpointBytes: number;
  readonly outboxFoldBytes: number;
  readonly outboxResumeBytes: number;
  readonly outboxStallSeconds: number;
  readonly subscriptions: number;
  readonly patterns: number;
  readonly sessionIdleMinutes: number;
  readonly sessionHours: number;
  /** One line of a serial sensor, and how long it may pause inside one. */
  readonly serialLineBytes: number;
  readonly serialGapSeconds: number;
  /** Of one port, what is read and not on disk yet. */
  readonly serialBufferBytes: number;
  /** A capture that is replayed; it is kept beside the readings meanwhile. */
  readonly serialCaptureBytes: number;
  readonly drainSeconds: number;
  readonly setupMinutes: number;
  readonly pairingSeconds: number;
  readonly pairingRequests: number;
}

export const DEFAULTS: Config = {
  data: './data',
  http: { host: '0.0.0.0', port: 8443, publicUrl: '', origins: [], trustedProxies: [] },
  tls: 'auto',
  insecure: false,
  liveness: { pingSeconds: 25, pongSeconds: 10 },
  store: { commitIntervalMs: 0, minFreeBytes: 'auto' },
  relay: { replayMinutes: 15 },
  retention: [],
  backup: { every: 'never', keep: 7, dir: '' },
  serial: { ports: [] },
  bridge: {
    bufferBytes: 64 * 1024 * 1024, // also in memory; a line of NMEA is some 100 bytes here
    syncMs: 0, // 0: on disk before the port gives more; longer spares a flash card, and a power cut takes that much
  },
  log: { level: 'info', format: 'auto' },
  limits: {
    memoryBytes: 768 * 1024 * 1024, // 150 base + devices x 64 KiB + 296 of buffers: what 5,000 devices can need
    deviceFrameBytes: 64 * 1024, // ws allows 100 MiB
    liveFrameBytes: 16 * 1024,
    liveMessagesPerSecond: 50,
    restBodyBytes: 1024 * 1024,
    fragments: 16, // ws allows 16,384 and more
    bufferedChunks: 4096,
    pendingPongs: 10,
    headerBytes: 8 * 1024, // the upgrade path parses them before any check
    headerCount: 64,
    headersSeconds: 10,
    requestSeconds: 30,
    handshakeSeconds: 10, // Node's default is 120 s
    devices: 5000, // checked against `ulimit -n` at start
    subscribers: 200,
    socketsPerSession: 10,
    backlog: 4096, // Node's 511 is too small for a reconnect storm
    admissionWaiting: 8192, // accepted but unread: a storm of 5,000 from one site queues and is served
    admissionActive: 256, // in TLS handshake and headers, each up to 64 KiB
    failedAuthPerMinute: 10,
    failedAuthBurst: 20,
    passwordQueue: 32,
    unackedFrames: 256,
    framesInFlightBytes: 64 * 1024 * 1024, // above 80 % the heaviest devices are not read, down to 50 %
    deviceFramesPerSecond: 1000, // 0: no limit; who is over it is slowed by TCP, never closed
    deviceFramesBurst: 5000,
    deviceReadingsPerSecond: 20_000,
    deviceReadingsBurst: 40_000,
    depth: 8, // checked before decoding
    keysPerObject: 64, // hash collisions
    readingsPerFrame: 1000,
    nameBytes: 128,
    stringBytes: 1024,
    unreadablePerMinute: 20,
    unknownPerMinute: 30,
    openStreams: 16,
    newStreamsPerHour: 30, // a device with no memory makes one a boot
    quarantineDeviceBytes: 4 * 1024 * 1024, // the oldest go first
    quarantineBytes: 256 * 1024 * 1024, // beyond it the device with the most gives up its oldest, and no other
    eventDays: 90,
    eventRows: 1_000_000,
    pageRows: 10_000,
    chartPoints: 10_000,
    exports: 2,
    walCheckpointBytes: 4 * 1024 * 1024,
    outboxFoldBytes: 256 * 1024,
    outboxResumeBytes: 16 * 1024,
    outboxStallSeconds: 10, // progress, not size: the kernel hides megabytes
    subscriptions: 128,
    patterns: 1000,
    sessionIdleMinutes: 30,
    sessionHours: 12,
    serialLineBytes: 4096,
    serialGapSeconds: 2,
    serialBufferBytes: 256 * 1024, // some 2 s at 921,600 baud; beyond it frames are dropped and counted: a line cannot wait
    serialCaptureBytes: 256 * 1024 * 1024, // some hours of a GPS at 115,200 baud
    drainSeconds: 10,
    setupMinutes: 30,
    pairingSeconds: 300,
    pairingRequests: 20, // as many as a person can tell apart on one page
  },
};
