// The shapes of REST answers and bodies, shared by the handlers (which are checked against them) and the console's client.
// Fields in `At` are RFC 3339, in `Ms` epoch milliseconds with fractions. Over 400 lines, because all of it is one interface, which people
// and two programs look up in one place.

import type { RecordFault, SenmlRecord, Value } from './messages.ts';

/** time in epoch ms, value. */
export type Point = readonly [timeMs: number, value: Value];

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}
export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export type Role = 'viewer' | 'operator' | 'admin';
export interface SessionView {
  readonly user: string;
  readonly role: Role;
  readonly kind: 'user' | 'key' | 'local';
  readonly expiresAt: string | null;
}
/** `POST /v1/session`, one of three. */
export type SignIn =
  | { readonly user: string; readonly password: string }
  | { readonly key: string }
  | { readonly setupCode: string; readonly user: string; readonly password: string };

export interface DeviceView {
  readonly id: string;
  readonly label: string;
  readonly status: 'active' | 'suspended';
  readonly online: boolean;
  readonly lastSeenAt: string | null;
  readonly createdAt: string;
  readonly tags: readonly string[];
  readonly location: string;
  readonly notes: string;
  readonly expectEverySeconds: number | null;
  readonly clock: 'device' | 'gateway';
  readonly pingSeconds: number | null;
  /** metric → [timeMs, value, unit] */
  readonly latest: Readonly<Record<string, readonly [timeMs: number, value: Value, unit: string]>>;
  readonly tokens?: readonly TokenView[];
  readonly connection?: ConnectionView | null;
}
export interface TokenView {
  readonly id: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}
/** The device's open socket. */
export interface ConnectionView {
  readonly address: string;
  readonly connectedAt: string;
  readonly stream: string | null;
  readonly software: string | null;
  readonly roundTripMs: number | null;
  readonly inFlight: number;
}
export interface DeviceCreate {
  readonly id: string;
  readonly label?: string;
  readonly tags?: readonly string[];
}
export interface DevicePatch {
  readonly label?: string;
  readonly tags?: readonly string[];
  readonly location?: string;
  readonly notes?: string;
  readonly status?: 'active' | 'suspended';
  readonly expectEverySeconds?: number | null;
  readonly clock?: 'device' | 'gateway';
  readonly pingSeconds?: number | null;
}
/** A secret, shown once. */
export interface IssuedToken {
  readonly id: string;
  readonly token: string;
  readonly expiresAt: string | null;
}
export interface DeviceCreated extends DeviceView {
  readonly token: string;
}

export interface SeriesView {
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
  readonly kind: 'number' | 'boolean' | 'string';
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly latest: Point;
  readonly clockSuspect: number;
}

export interface SeriesReadings {
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
  readonly readings: readonly Point[];
}
/** One series: its fields are at the top. Several: under `series`. */
export type ReadingsAnswer =
  | (SeriesReadings & { readonly next: string | null; readonly cursor: string })
  | { readonly series: readonly SeriesReadings[]; readonly next: string | null; readonly cursor: string };

export type BucketRow = readonly [
  startMs: number,
  count: number,
  min: number | null,
  max: number | null,
  avg: number | null,
  first: Value,
  last: Value,
];
export interface SeriesBuckets {
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly buckets: readonly BucketRow[];
}
export type BucketsAnswer =
  | (SeriesBuckets & { readonly cursor: string })
  | { readonly series: readonly SeriesBuckets[]; readonly cursor: string };

export interface AccountingRow {
  readonly device: string;
  readonly stream: string;
  /** Highest settled seq. */
  readonly acked: number;
  /** Frames; settled = stored + quarantined + gaps. */
  readonly settled: number;
  readonly stored: number;
  readonly quarantined: number;
  readonly gaps: number;
  /** Frames in no count; with all of them counted, records that books and rows do not agree on (`verify=true`). */
  readonly unexplained: number;
  readonly readings: number;
  readonly refused: number;
  readonly expired: number;
  /** Of the refused records, those that are in quarantine no more: gone for room, or thrown away by an operator. */
  readonly evicted: number;
  readonly discarded: number;
}
export interface EventView {
  readonly id: number;
  readonly atMs: number;
  readonly device: string | null;
  readonly type: string;
  readonly reason: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}
export interface QuarantineView {
  readonly id: number;
  readonly atMs: number;
  readonly device: string;
  readonly stream: string;
  readonly seq: number;
  readonly index: number | null;
  readonly code: string;
  readonly message: string;
  readonly raw: string;
  /** base64: the bytes are CBOR, or no text. */
  readonly encoding: 'utf8' | 'base64';
  /** Base fields of the pack that were in force before the record. */
  readonly base: BaseFieldsView | null;
  readonly replayedAtMs: number | null;
}
/** null: it could not be read. */
export interface BaseFieldsView {
  readonly bn?: string | null;
  readonly bt?: number | null;
  readonly bu?: string | null;
  readonly bv?: number | null;
  readonly bver?: null;
}
export interface QuarantineReplayed {
  readonly stored: number;
  readonly errors: RecordFault[];
  /** It had been replayed before. */
  readonly duplicate?: boolean;
}
export interface QuarantineDiscarded {
  readonly discarded: number;
}

export interface UserView {
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
}
export interface UserCreate {
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}
export interface UserPatch {
  readonly role?: Role;
  readonly password?: string;
}
/** `POST /v1/setup`: opens the set-up page once more. */
export interface SetupCode {
  readonly code: string;
}
export interface KeyCreate {
  readonly name: string;
  readonly role: Role;
}
export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
}
export interface IssuedKey extends KeyView {
  readonly key: string;
}
export interface EnrolmentView {
  readonly id: string;
  readonly max: number;
  readonly used: number;
  readonly reenrol: boolean;
  readonly createdAt: string;
  readonly expiresAt: string;
}
export interface EnrolmentCreate {
  readonly max?: number;
  readonly expiresSeconds?: number;
  readonly reenrol?: boolean;
}
export interface IssuedEnrolment extends EnrolmentView {
  readonly key: string;
}
export interface AuditView {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly act: string;
  readonly target: string;
  readonly detail: string;
}
export interface Info {
  readonly name: 'fieldgate';
  readonly version: string;
  readonly protocol: readonly string[];
  readonly store: string;
  readonly setupOpen: boolean;
  /** Neither users nor keys exist: nobody can sign in yet. */
  readonly isNew: boolean;
  readonly startedAt: string;
  readonly timeMs: number;
}
/** Can readings be stored? `low`: yes, but room runs out; `paused`: the disk is full; `failed`: it does not take what is written. */
export interface StorageView {
  readonly state: 'storing' | 'low' | 'paused' | 'failed';
  /** What is wrong and what mends it; '' while nothing is. */
  readonly message: string;
  /** On the volume of the data directory; null when it could not be asked. */
  readonly freeBytes: number | null;
}
/** One serial port as `serial.ports` of the configuration has it, with everything that has a default filled in. */
export interface SerialSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly stopBits: 1 | 2;
  readonly parity: 'none' | 'even' | 'odd';
  readonly flowControl: 'none' | 'rts-cts' | 'xon-xoff';
  readonly device: string;
  readonly framing: SerialPart;
  /** null: the framing is `modbus-rtu`, which needs none. */
  readonly rule: SerialPart | null;
  readonly expectEverySeconds: number | null;
}
/** A framing or a rule: its kind, and the settings of that kind. */
export interface SerialPart {
  readonly kind: string;
  readonly [setting: string]: unknown;
}
/** `POST /v1/serial`, `PUT /v1/serial/:id` (admin): what has a default may be left out, and `framing: 'line'` is short for `{kind: 'line'}`. */
export interface SerialPortBody extends Partial<Omit<SerialSettings, 'framing' | 'rule'>> {
  readonly framing?: string | SerialPart;
  readonly rule?: string | SerialPart | null;
}
/** `GET /v1/serial` (viewer): a serial port, and how it is doing. Counts are since it was opened for the first time, or last changed. */
export interface SerialPortView {
  /** Stays the same over restarts and changes. */
  readonly id: string;
  /** `file`: set in the configuration file, and read-only here. `bridge`: a port of another box. `replay`: no port, but a recording. */
  readonly origin: 'file' | 'console' | 'bridge' | 'replay';
  /** The name of the bridge whose port it is. */
  readonly bridge: string | null;
  /** null: they are not kept here. */
  readonly settings: SerialSettings | null;
  readonly path: string;
  readonly device: string;
  readonly state: 'opening' | 'open' | 'absent' | 'silent' | 'garbage' | 'stuck' | 'failed' | 'closed';
  /** Why it is in this state, and what mends it; '' when all is well. */
  readonly reason: string;
  readonly mend: string;
  readonly sinceAt: string;
  readonly baudRate: number;
  readonly framing: string;
  readonly rule: string;
  readonly expectEverySeconds: number | null;
  readonly linesPerSecond: number;
  readonly bytes: number;
  readonly lines: number;
  readonly readings: number;
  readonly errors: number;
  /** The errors by their code, and lines without readings in which nothing was wrong by the reason. */
  readonly faults: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  /** Oldest first. */
  readonly lastFrames: readonly SerialFrameView[];
  /** Whom a Modbus bus asks, by number; empty for every other framing. */
  readonly slaves: readonly SerialSlaveView[];
}
/** A slave of a Modbus bus. Counts are since the port's. */
export interface SerialSlaveView {
  readonly slave: number;
  /** `failing`: the last requests failed; `silent`: so many that it is asked now and then alone. */
  readonly state: 'new' | 'answers' | 'failing' | 'silent';
  readonly sinceAt: string;
  readonly requests: number;
  readonly answers: number;
  readonly timeouts: number;
  readonly crcErrors: number;
  readonly exceptions: number;
  /** All that went wrong, by code: these three, and the rarer ones. */
  readonly faults: Readonly<Record<string, number>>;
  readonly lastError: string;
  readonly lastErrorAt: string | null;
  readonly lastAnswerAt: string | null;
  readonly roundTripMs: number | null;
  /** When a silent one is asked again. */
  readonly nextAskAt: string | null;
}
export interface SerialFrameView {
  /** Counts the frames and faults of the port, from 1. */
  readonly number: number;
  readonly atMs: number;
  /** Its first bytes. */
  readonly raw: string;
  readonly encoding: 'utf8' | 'base64';
  /** All of it. */
  readonly bytes: number;
  /** `readings`, or the reason why there are none. */
  readonly outcome: string;
  readonly readings: number;
  /** What they are, or what is wrong, in words; '' when the outcome says it all. */
  readonly says: string;
}
/** `GET /v1/serial/attached` (viewer): a port of this machine. */
export interface AttachedPortView {
  /** What it is always called, where it has such a name. */
  readonly path: string;
  /** What it is called until it is plugged in again. */
  readonly name: string;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber: string;
  /** Who reads it: the device of one of our ports, or null. */
  readonly device: string | null;
}
/** `POST /v1/serial/try` (operator): bytes that some port could have sent, at most 64 KiB. Nothing is stored. */
export interface SerialTry {
  readonly framing?: string | SerialPart;
  readonly rule: string | SerialPart;
  readonly raw: string;
  readonly encoding?: 'utf8' | 'base64';
}
export interface SerialTried {
  /** The first 200; the end of the bytes counts as silence. */
  readonly frames: readonly SerialTriedFrame[];
  /** There were more. */
  readonly more: boolean;
}
export interface SerialTriedFrame extends SerialFrameView {
  readonly records: readonly SenmlRecord[];
}
/** `POST /v1/serial/replay` (operator) is answered with a line of JSON a second; the last one is of another type than `progress`. */
export interface ReplayNews {
  readonly type: 'progress' | 'ended' | 'stopped' | 'failed';
  /** With `ended`: whether the capture was read to its end. */
  readonly outcome: 'whole' | 'cut-short' | 'damaged' | null;
  /** Of the line's time. */
  readonly passedMs: number;
  readonly bytes: number;
  readonly frames: number;
  readonly readings: number;
  /** Frames without readings in which nothing was wrong, by reason; what was no frame or no reading, by code; what of it all is in quarantine. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  /** Bytes that are not in the capture, because its writer did not keep up. */
  readonly leftOutBytes: number;
  readonly hangUps: number;
}
/** Something that `verify` found not to be as it should. Null: it is not about one series, or about no time. */
export interface VerifyFinding {
  readonly what: 'database' | 'registry' | 'index' | 'chunk' | 'log' | 'books';
  readonly device: string | null;
  readonly metric: string | null;
  readonly unit: string | null;
  /** The first and the last reading of it. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly readings: number | null;
  readonly detail: string;
}
/** `POST /v1/compact`, `/v1/verify` and `/v1/backups` (admin) are answered with such lines of JSON; the last one is none of `progress` and `found`. */
export type UpkeepNews =
  | { readonly type: 'progress'; readonly doing: string; readonly left: number | null }
  | { readonly type: 'found'; readonly finding: VerifyFinding }
  | { readonly type: 'compacted'; readonly readings: number; readonly bytes: number }
  /** Sound when there are no findings. */
  | { readonly type: 'verified'; readonly findings: number; readonly chunks: number; readonly readings: number }
  | { readonly type: 'backed-up'; readonly file: string; readonly bytes: number; readonly position: number }
  | { readonly type: 'failed'; readonly message: string };
/** `GET /v1/backups` (admin): those in the folder of the schedule, newest first. */
export interface BackupView {
  readonly file: string;
  readonly bytes: number;
  readonly madeAtMs: number;
}
/** `POST /v1/import` (operator): a line each; the last one is `ended` or `failed`. Counts are of rows of the file. */
export interface ImportCountsView {
  readonly stored: number;
  /** Settled before by an import of the same content. */
  readonly already: number;
  /** In quarantine, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Left out: without a value, of other devices, of devices that are not here. */
  readonly empty: number;
  readonly foreign: number;
  readonly unknown: number;
}
export type ImportNews =
  | ({ readonly type: 'progress'; readonly bytes: number; readonly ofBytes: number } & ImportCountsView)
  | ({ readonly type: 'ended'; readonly bytes: number; readonly stream: string } & ImportCountsView)
  | ({ readonly type: 'failed'; readonly code: string; readonly message: string } & ImportCountsView);
/** `GET /v1/stats` (viewer): what the Fleet page's strip shows. */
export interface StatsView {
  readonly devices: number;
  readonly online: number;
  readonly subscribers: number;
  readonly readings: number;
  readonly readingsPerSecond: number;
  readonly commitP50Ms: number | null;
  readonly commitP99Ms: number | null;
  readonly unexplained: number;
  readonly bytes: number;
  readonly storage: StorageView;
  readonly written: WrittenView;
}
/** What went to the disk since the start: what a flash card wears by. */
export interface WrittenView {
  /** By the storage engine's counts of pages: into its write-ahead log, and at most into the database. */
  readonly logBytes: number;
  readonly databaseBytes: number;
  /** By the operating system's count for the whole process; null where it has none. */
  readonly processBytes: number | null;
  /** The larger of the two counts a day, at the rate since the start; null in the first minute. */
  readonly bytesPerDay: number | null;
}
