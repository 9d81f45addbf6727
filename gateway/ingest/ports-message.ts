// The message `ports`, read: every member is of the form that it must have, or nothing is taken. A peer's word, shown to people.

import { createHash } from 'node:crypto';
import type { BridgedPort } from '../protocol/messages.ts';
import { BASE64 } from '../protocol/refused-input.ts';
import type { SerialFrameView, SerialPortView, SerialSlaveView } from '../protocol/rest.ts';
import type { JsonMessage } from './json-frame.ts';

const PORTS = 32;
const FRAMES = 64;
/** Addresses of a Modbus bus. */
const SLAVES = 247;
const REASONS = 128;
const ID_DIGITS = 12;
/** No date is after it. */
const LAST_DAY_MS = 8.64e15;
const NAME_CHARS = 64;
const TEXT_CHARS = 512;
const SAYS_CHARS = 8192;
const STATES: ReadonlySet<unknown> = new Set<SerialPortView['state']>([
  'opening',
  'open',
  'absent',
  'silent',
  'garbage',
  'stuck',
  'failed',
  'closed',
]);
const SLAVE_STATES: ReadonlySet<unknown> = new Set<SerialSlaveView['state']>(['new', 'answers', 'failing', 'silent']);
const CONTROL = /\p{Cc}/u;

type Members = Readonly<Record<string, unknown>>;

/** null: something is not as it must be. What is not known here is left out. */
export function readPorts({ bridge, ports }: JsonMessage, device: string): readonly SerialPortView[] | null {
  if (!isName(bridge) || !Array.isArray(ports) || ports.length > PORTS) return null;
  const views: SerialPortView[] = [];
  for (const raw of ports) {
    const port = readPort(raw);
    if (port === null || port.device !== device || views.some(({ path }) => path === port.path)) return null;
    views.push({ id: idOf(device, port.path), origin: 'bridge', bridge, settings: null, ...port });
  }
  return views;
}

/** As a part of a request's path has it: no slash, and nothing that has to be encoded. */
function idOf(device: string, path: string): string {
  return `bridge-${createHash('sha256').update(`${device} ${path}`).digest('hex').slice(0, ID_DIGITS)}`;
}

function readPort(raw: unknown): BridgedPort | null {
  if (!isMembers(raw)) return null;
  const { path, device, state, reason, mend, sinceAt, baudRate, framing, rule, expectEverySeconds, linesPerSecond } = raw;
  const { bytes, lines, readings, errors, faults, skipped, lastFrames, slaves = [] } = raw;
  const isTold =
    isText(path, TEXT_CHARS) &&
    path !== '' &&
    typeof device === 'string' &&
    STATES.has(state) &&
    isText(reason, TEXT_CHARS) &&
    isText(mend, TEXT_CHARS);
  const isSet =
    isCount(baudRate) && isName(framing) && isText(rule, NAME_CHARS) && (expectEverySeconds === null || isCount(expectEverySeconds));
  const isCounted = [bytes, lines, readings, errors].every(isCount) && isRate(linesPerSecond) && isTime(sinceAt);
  if (!isTold || !isSet || !isCounted || !isCounts(faults) || !isCounts(skipped)) return null;
  const frames = readList(lastFrames, FRAMES, readFrame);
  const asked = readList(slaves, SLAVES, readSlave);
  if (frames === null || asked === null) return null;
  const facts = { path, device, state, reason, mend, sinceAt, baudRate, framing, rule, expectEverySeconds, linesPerSecond };
  return {
    ...facts,
    bytes,
    lines,
    readings,
    errors,
    faults: { ...faults },
    skipped: { ...skipped },
    lastFrames: frames,
    slaves: asked,
  } as BridgedPort;
}

function readList<T>(raw: unknown, most: number, read: (one: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(raw) || raw.length > most) return null;
  const list: T[] = [];
  for (const one of raw) {
    const item = read(one);
    if (item === null) return null;
    list.push(item);
  }
  return list;
}

function readSlave(raw: unknown): SerialSlaveView | null {
  if (!isMembers(raw)) return null;
  const { slave, state, sinceAt, requests, answers, timeouts, crcErrors, exceptions, faults } = raw;
  const { lastError, lastErrorAt, lastAnswerAt, roundTripMs, nextAskAt } = raw;
  const counts = [slave, requests, answers, timeouts, crcErrors, exceptions];
  if (!counts.every(isCount) || !SLAVE_STATES.has(state) || !isTime(sinceAt) || !isCounts(faults) || !isText(lastError, TEXT_CHARS))
    return null;
  if (![lastErrorAt, lastAnswerAt, nextAskAt].every((at) => at === null || isTime(at))) return null;
  if (roundTripMs !== null && !isRate(roundTripMs)) return null;
  const facts = { slave, state, sinceAt, requests, answers, timeouts, crcErrors, exceptions, faults: { ...faults } };
  return { ...facts, lastError, lastErrorAt, lastAnswerAt, roundTripMs, nextAskAt } as SerialSlaveView;
}

function readFrame(raw: unknown): SerialFrameView | null {
  if (!isMembers(raw)) return null;
  const { number, atMs, raw: said, encoding, bytes, outcome, readings, says } = raw;
  // what a line said is text of any kind, shown as such
  const isSaid = typeof said === 'string' && said.length <= TEXT_CHARS && said.isWellFormed();
  const isBytes = isSaid && (encoding === 'utf8' || (encoding === 'base64' && BASE64.test(said)));
  if (!isBytes || ![number, bytes, readings].every(isCount) || !isRate(atMs) || atMs > LAST_DAY_MS) return null;
  if (!isName(outcome) || !isText(says, SAYS_CHARS)) return null;
  return { number, atMs, raw: said, encoding, bytes, outcome, readings, says } as SerialFrameView;
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && value.isWellFormed() && !CONTROL.test(value);
}
function isName(value: unknown): value is string {
  return isText(value, NAME_CHARS) && value !== '';
}
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
function isRate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value));
}
function isCounts(value: unknown): value is Readonly<Record<string, number>> {
  if (!isMembers(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= REASONS && entries.every(([name, count]) => isName(name) && isCount(count));
}
