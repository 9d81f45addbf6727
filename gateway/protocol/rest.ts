// The shapes of REST answers and bodies, shared by the handlers (which are checked against them) and the console's client.
// Fields in `At` are RFC 3339, in `Ms` epoch milliseconds with fractions. Over 400 lines, because all of it is one interface, which people
// and two programs look up in one place.

import type { AlarmName } from './event-types.ts';
import type { DeviceState } from './device-state.ts';
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
  /** What a further live connection would get: a browser cannot read why one was refused. */
  readonly live: 'ready' | 'full' | 'too-many-sockets';
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
  /** It leaves and comes back by itself. */
  readonly maySleep: boolean;
  /** As it counts now; what it is made of follows, so that it can be told later without another question. */
  readonly state: DeviceState;
  /** When its newest reading came, by the gateway's clock. */
  readonly lastReadingAt: string | null;
  /** When its last socket closed; null while one is open. */
  readonly closedAt: string | null;
  /** The median of its last intervals. */
  readonly seenEveryMs: number | null;
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
  readonly maySleep?: boolean;
}
/** A connection that was refused at the devices' doors. */
export interface AttemptView {
  readonly atMs: number;
  readonly address: string;
  readonly code: string;
  readonly message: string;
  /** null: it did not say whose it is. */
  readonly device: string | null;
}
/** Simulated devices, started from the console. `stopped`: they send nothing any more, and are still there. */
export interface DemoView {
  readonly state: 'off' | 'starting' | 'running' | 'stopped' | 'removing';
  readonly devices: number;
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

/** `GET /v1/series` (viewer): what can be charted, found by words of the device and the metric. */
export interface SeriesFound {
  readonly device: string;
  readonly label: string;
  readonly metric: string;
  /** Its present one. */
  readonly unit: string;
  readonly kind: 'number' | 'boolean' | 'string';
  readonly latest: Point;
  readonly expectEverySeconds: number | null;
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
/** `GET /v1/quarantine/size` (operator): how full it is. Rows count here until they are discarded or go for room, replayed ones too. */
export interface QuarantineSizeView {
  readonly rows: number;
  readonly bytes: number;
  /** Of all devices together, and of one. */
  readonly limitBytes: number;
  readonly deviceLimitBytes: number;
  /** Rows that have gone for room, ever. */
  readonly evicted: number;
  /** The fullest first, at most 100. */
  readonly devices: readonly { readonly device: string; readonly rows: number; readonly bytes: number }[];
  readonly codes: readonly { readonly code: string; readonly rows: number }[];
}
/** `POST /v1/quarantine/:id/try` (operator): what a replay would do. Nothing is stored. */
export interface QuarantineTried {
  readonly readings: number;
  /** The first of them. */
  readonly first: readonly { readonly metric: string; readonly unit: string; readonly timeMs: number; readonly value: Value }[];
  readonly errors: readonly RecordFault[];
}
/** `GET /v1/gaps` (viewer): frames that a device declared as lost. */
export interface GapView {
  readonly id: number;
  readonly atMs: number;
  readonly device: string;
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}
/** `GET /v1/devices/:id/frames` (operator): asking begins a minute of watching; what came while nobody watched is not kept. */
export interface DeviceFramesView {
  readonly watchedUntilMs: number;
  /** Newest first, at most 32. */
  readonly items: readonly DeviceFrameView[];
}
export interface DeviceFrameView {
  /** Counts the frames of this watch, from 1. */
  readonly number: number;
  readonly atMs: number;
  /** `pack`, `readings`, `hello`, `gap`, `post`; `unreadable`: it settled nothing. */
  readonly kind: 'pack' | 'readings' | 'hello' | 'gap' | 'post' | 'unreadable';
  readonly stream: string | null;
  readonly seq: number | null;
  /** Its first 2 KiB. */
  readonly raw: string;
  readonly encoding: 'utf8' | 'base64';
  /** All of it. */
  readonly bytes: number;
  readonly stored: number;
  /** Refused records by code; of a frame that was refused as a whole, one. */
  readonly refused: Readonly<Record<string, number>>;
}
/** `GET /v1/alarms` (viewer), and in the stats: something is wrong with the gateway itself. */
export interface AlarmView {
  readonly name: AlarmName;
  readonly severity: 'warning' | 'critical';
  /** What is wrong and what mends it. */
  readonly message: string;
  readonly sinceMs: number;
  readonly device: string | null;
  /** The id of a serial port. */
  readonly port: string | null;
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
/** `POST /v1/enrol` without a key while pairing is open: asked for, and answered by a person. */
export interface PairingAsked {
  /** The device's secret: `GET /v1/enrol/<request>` says what has become of it. */
  readonly request: string;
  readonly pollSeconds: number;
  /** What the operator sees; a device with a display shows it. */
  readonly id: string;
}
/** `GET /v1/pairing` (operator). */
export interface PairingView {
  readonly openUntil: string | null;
  readonly items: readonly PairingRequestView[];
}
export interface PairingRequestView {
  readonly id: string;
  readonly device: string;
  readonly address: string;
  readonly askedAt: string;
  /** `fetched`: the device has its token. */
  readonly state: 'pending' | 'approved' | 'fetched';
}
export interface AuditView {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly act: string;
  readonly target: string;
  readonly detail: string;
  /** From where: the peer's address, `local` for the command line, '' when the gateway did it by itself. */
  readonly address: string;
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
/** One key of the configuration as it is in force. */
export interface SettingView {
  readonly key: string;
  /** Masked where it came out of a secret file. */
  readonly value: unknown;
  /** `/etc/fieldgate/fieldgate.yaml:12`, `environment FIELDGATE_…`, `flag --port`, `default`, `console`. */
  readonly source: string;
  readonly from: 'default' | 'file' | 'environment' | 'flag' | 'program' | 'console';
  /** `PATCH /v1/settings` takes it. */
  readonly isEditable: boolean;
}
/** The certificate of the listening port; fingerprints are SHA-256. */
export interface CertificateView {
  readonly kind: 'auto' | 'own';
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeAt: string;
  readonly notAfterAt: string;
  /** When the private authority makes the next one; null: its files are somebody's own. */
  readonly renewsAt: string | null;
  readonly fingerprint: string;
  readonly authority: { readonly fingerprint: string; readonly notAfterAt: string } | null;
}
/** `GET /v1/settings`, `PATCH /v1/settings` (admin); the body of the second has the shape of the file, and null takes back what was set. */
export interface SettingsView {
  readonly settings: readonly SettingView[];
  readonly file: string | null;
  readonly versions: { readonly fieldgate: string; readonly node: string };
  readonly certificate: CertificateView | null;
  /** Readings that are not compressed yet. */
  readonly unsealed: number;
}
export interface SettingsPatch {
  readonly retention?: readonly RetentionRuleView[] | null;
  readonly backup?: { readonly every?: string | null; readonly keep?: number | null; readonly dir?: string | null };
  readonly liveness?: { readonly pingSeconds?: number | null; readonly pongSeconds?: number | null };
}
/** A rule of retention, as the configuration has it; null: not bounded. */
export interface RetentionRuleView {
  readonly device: string;
  readonly metric: string;
  readonly days: number | null;
  readonly maxBytes: number | null;
  readonly summariesDays: number | null;
}
/** `POST /v1/settings/try` (admin), a rule each: what it is for, and what of it is older than it keeps. */
export interface RetentionForecast {
  readonly devices: number;
  readonly series: number;
  readonly goneBeforeMs: number | null;
  /** At most so many go: whole chunks, and what came late only when it has been here for so long too. */
  readonly readings: number;
  /** Devices they are of, and the first of these. */
  readonly going: number;
  readonly names: readonly string[];
  readonly maxBytes: number | null;
}
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
  /** The gravest first. */
  readonly alarms: readonly AlarmView[];
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
