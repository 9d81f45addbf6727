// What every configuration key may be, with its range. Only the keys of Config exist; a key that nobody reads would be a lie.

import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import type { Config } from './config.ts';

// one package, one importing file
export { z };

const KIB = 1024;
const MIB = 1024 * KIB;

/** Every rule of a key has the same message: what is allowed there. */
export function whole(min: number, max: number, what = ''): z.ZodType<number> {
  const expects = `a whole number from ${min} to ${max}${what === '' ? '' : ` (${what})`}`;
  return z.int(expects).min(min, expects).max(max, expects);
}
function bytes(min: number, max: number): z.ZodType<number> {
  return whole(min, max, 'bytes');
}
export function text(expects: string, holds: (value: string) => boolean): z.ZodType<string> {
  return z.string(expects).refine(holds, expects);
}
export function oneOf<const T extends readonly [string, ...string[]]>(values: T): z.ZodType<T[number]> {
  return z.enum(values, `one of ${values.join(', ')}`);
}

/** Scheme, host and port, exactly as a browser sends it. */
export function isOrigin(value: string): boolean {
  return /^https?:\/\/[^*\s]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}
function isPublicUrl(value: string): boolean {
  if (value === '') return true;
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '' && url.pathname === '/';
}
function isAddressRange(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  return true;
}
function isHost(value: string): boolean {
  return (
    isIP(value) !== 0 || /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(value)
  );
}
function isPath(value: string): boolean {
  return value !== '' && !value.includes('\0');
}

function isFreeBytes(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MOST_FREE_BYTES;
}

const ORIGIN = 'an exact origin such as https://board.example.com: no path, no pattern, no *';
const RANGE = 'an IP address or a range such as 10.0.0.0/8';
const TLS = 'auto, off, or the files of an own certificate: {cert: FILE, key: FILE}';
const MOST_FREE_BYTES = 2 ** 50;
const FREE = `auto, or a whole number from 0 to ${MOST_FREE_BYTES} (bytes; 0 never pauses)`;
const isTrue = 'true or false';

export const CONFIG_SCHEMA = z.strictObject({
  data: text('a folder', isPath),
  http: z.strictObject({
    host: text('an IP address or a host name', isHost),
    port: whole(0, 65_535, '0 picks a free one'),
    publicUrl: text('empty, or the address people use, such as https://telemetry.example.com', isPublicUrl),
    origins: z.array(text(ORIGIN, isOrigin), 'a list of origins').max(100, 'at most 100 origins'),
    trustedProxies: z.array(text(RANGE, isAddressRange), 'a list of addresses').max(100, 'at most 100 addresses'),
  }),
  tls: z.union(
    [z.literal('auto'), z.literal('off'), z.strictObject({ cert: z.string().refine(isPath), key: z.string().refine(isPath) })],
    TLS,
  ),
  insecure: z.boolean(isTrue),
  liveness: z.strictObject({ pingSeconds: whole(1, 300), pongSeconds: whole(1, 300) }),
  store: z.strictObject({
    commitIntervalMs: whole(0, 60_000, '0 commits at once'),
    minFreeBytes: z.custom<'auto' | number>((value) => value === 'auto' || isFreeBytes(value), FREE),
  }),
  relay: z.strictObject({ replayMinutes: whole(0, 10_080, '0 keeps a million readings and no more') }),
  // what a rule may be is config-retention.ts' business
  retention: z.custom<Config['retention']>(Array.isArray, 'a list of rules, in the configuration file'),
  backup: z.strictObject({
    every: text('never, or a number and m, h or d, such as 24h', (value) => value === 'never' || /^[1-9]\d{0,4}[mhd]$/.test(value)),
    keep: whole(1, 10_000),
    dir: text('empty, or an absolute path', (value) => value === '' || (value.startsWith('/') && isPath(value))),
  }),
  // what a port may be is config-serial.ts' business
  serial: z.strictObject({ ports: z.custom<Config['serial']['ports']>(Array.isArray, 'a list of ports, in the configuration file') }),
  bridge: z.strictObject({ bufferBytes: bytes(MIB, 16 * 1024 * MIB), syncMs: whole(0, 60_000, '0 syncs at once') }),
  log: z.strictObject({ level: oneOf(['debug', 'info', 'warn', 'error']), format: oneOf(['auto', 'json', 'text']) }),
  limits: z.strictObject({
    memoryBytes: bytes(64 * MIB, 2 ** 40),
    deviceFrameBytes: bytes(KIB, 16 * MIB),
    liveFrameBytes: bytes(KIB, 16 * MIB),
    liveMessagesPerSecond: whole(1, 100_000),
    restBodyBytes: bytes(KIB, 64 * MIB),
    fragments: whole(1, 1024),
    bufferedChunks: whole(16, 65_536),
    pendingPongs: whole(1, 1000),
    headerBytes: bytes(2 * KIB, 64 * KIB),
    headerCount: whole(16, 1000),
    headersSeconds: whole(1, 300),
    requestSeconds: whole(1, 3600),
    handshakeSeconds: whole(1, 300),
    devices: whole(1, 1_000_000),
    subscribers: whole(1, 100_000),
    socketsPerSession: whole(1, 1000),
    backlog: whole(1, 65_535),
    admissionWaiting: whole(1, 65_535),
    admissionActive: whole(1, 65_535),
    failedAuthPerMinute: whole(1, 100_000),
    failedAuthBurst: whole(1, 100_000),
    passwordQueue: whole(1, 1000),
    unackedFrames: whole(1, 65_536),
    framesInFlightBytes: bytes(MIB, 16 * 1024 * MIB),
    deviceFramesPerSecond: whole(0, 10_000_000, '0: no limit'),
    deviceFramesBurst: whole(1, 10_000_000),
    deviceReadingsPerSecond: whole(0, 100_000_000, '0: no limit'),
    deviceReadingsBurst: whole(1, 100_000_000),
    depth: whole(3, 64),
    keysPerObject: whole(16, 1024),
    readingsPerFrame: whole(1, 100_000),
    nameBytes: bytes(16, 1024),
    stringBytes: bytes(16, 64 * KIB),
    unreadablePerMinute: whole(1, 10_000),
    unknownPerMinute: whole(1, 10_000),
    openStreams: whole(1, 1000),
    newStreamsPerHour: whole(1, 10_000),
    quarantineDeviceBytes: bytes(64 * KIB, 1024 * MIB),
    quarantineBytes: bytes(64 * KIB, 1024 * 1024 * MIB),
    eventDays: whole(1, 36_500),
    eventRows: whole(1000, 1_000_000_000),
    pageRows: whole(1, 100_000),
    chartPoints: whole(1, 100_000),
    exports: whole(1, 100),
    walCheckpointBytes: bytes(64 * KIB, 1024 * MIB),
    outboxFoldBytes: bytes(4 * KIB, 64 * MIB),
    outboxResumeBytes: bytes(KIB, 64 * MIB),
    outboxStallSeconds: whole(1, 300),
    subscriptions: whole(1, 10_000),
    patterns: whole(1, 100_000),
    sessionIdleMinutes: whole(1, 10_080),
    sessionHours: whole(1, 8760),
    serialLineBytes: bytes(64, 64 * KIB),
    serialGapSeconds: whole(1, 60),
    serialBufferBytes: bytes(64 * KIB, 64 * MIB),
    serialCaptureBytes: bytes(MIB, 2 ** 40),
    drainSeconds: whole(1, 600),
    setupMinutes: whole(1, 1440),
    pairingSeconds: whole(10, 3600),
    pairingRequests: whole(1, 1000),
  }),
}) satisfies z.ZodType<Config>;

/** The keys as a tree: a leaf is a schema, a branch is a map of names. */
export type KeyTree = { readonly [name: string]: KeyTree | 'number' | 'boolean' | 'text' | 'list' | 'tls' };

/** How a text from the environment is read: by the kind of the default at that place. */
export function keyTree(defaults: object): KeyTree {
  const tree: Record<string, KeyTree[string]> = Object.create(null);
  for (const [name, value] of Object.entries(defaults)) {
    if (name === 'tls') tree[name] = 'tls';
    else if (name === 'minFreeBytes') tree[name] = 'number';
    else if (Array.isArray(value)) tree[name] = 'list';
    else if (typeof value === 'object') tree[name] = keyTree(value as object);
    else tree[name] = typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'text';
  }
  return tree;
}

/** All leaves, `http.port` and the like, in the order of the literal. */
export function keyPaths(tree: KeyTree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([name, child]) =>
    typeof child === 'string' ? [prefix + name] : keyPaths(child, `${prefix}${name}.`),
  );
}
