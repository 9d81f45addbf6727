// What a serial port's frames become on their way to another box: records that stand for themselves, with the time of arrival by this
// box's clock, so that lines may share a frame and wait for days. Nothing that a line says may make the frame unreadable.

import { isUtf8 } from 'node:buffer';
import type { SenmlRecord } from './protocol/messages.ts';
import { PROBLEMS, type ProblemCode } from './protocol/problems.ts';
import { REFUSED_MESSAGE_CHARS, type RefusedRecord } from './protocol/refused-input.ts';
import { RELATIVE_BELOW_US } from './protocol/time.ts';
import type { PortFrame } from './transports/serial/port-frames.ts';

export type BridgeRecord = SenmlRecord | RefusedRecord;

/** Of a line that was refused; the rest is counted. */
const RAW_BYTES = 8192;
const VERSION = 10;
/** What a gateway reads; every other label means nothing to it. */
const LABELS = ['n', 'u', 'v', 'vs', 'vb', 't', 'ut', 'vd', 's', 'bs'] as const;
const CONTROL = /\p{Cc}/gu;

/** Of one device; two lines never arrive at the same time. */
export function createFrameReader(): (frames: readonly PortFrame[]) => BridgeRecord[] {
  let lastUs = 0;
  return (frames) =>
    frames.flatMap((frame): BridgeRecord[] => {
      lastUs = Math.max(frame.atUs, lastUs + 1);
      return 'records' in frame ? standalone(frame.records, lastUs) : [refusedRecord(frame.code, frame.message, frame.raw)];
    });
}

type Labels = Record<string, unknown>;

/** As a gateway would resolve them (RFC 8428): the base fields of a line end with the line. */
function standalone(records: readonly SenmlRecord[], arrivedUs: number): BridgeRecord[] {
  const alone: BridgeRecord[] = [];
  let baseName = '';
  let baseUs = 0;
  let baseUnit: string | undefined;
  let baseValue = 0;
  for (const [i, record] of records.entries()) {
    const { bn, bt, bu, bv, bver } = record as Labels;
    const fault = baseFault(record as Labels);
    if (fault !== null) {
      // it and what leans on it
      const rest = Buffer.from(JSON.stringify(records.slice(i)));
      return [...alone, refusedRecord(fault, PROBLEMS[fault].title, rest)];
    }
    baseName = (bn as string | undefined) ?? baseName;
    baseUs = bt === undefined ? baseUs : Math.round((bt as number) * 1e6);
    baseUnit = (bu as string | undefined) ?? baseUnit;
    baseValue = (bv as number | undefined) ?? baseValue;
    const own = known(record as Labels);
    const isBase = [bn, bt, bu, bv, bver].some((field) => field !== undefined);
    if (isBase && Object.keys(own).length === 0) continue;
    if (own['n'] === undefined || typeof own['n'] === 'string') own['n'] = baseName + ((own['n'] as string | undefined) ?? '');
    own['u'] ??= baseUnit;
    if (typeof own['v'] === 'number') own['v'] += baseValue;
    if (own['t'] === undefined || typeof own['t'] === 'number') own['t'] = timeOf(own['t'], baseUs, arrivedUs) / 1e6;
    alone.push(own as SenmlRecord);
  }
  return alone;
}

function baseFault({ bn, bt, bu, bv, bver }: Labels): ProblemCode | null {
  if (bver !== undefined && bver !== VERSION) return 'unsupported-version';
  const isRight = isOr(bn, 'string') && isOr(bu, 'string') && isOr(bt, 'number') && isOr(bv, 'number');
  return isRight ? null : 'wrong-type';
}
function isOr(value: unknown, type: 'string' | 'number'): boolean {
  // biome-ignore lint/suspicious/useValidTypeof: the two types of base fields
  return value === undefined || typeof value === type;
}

/** Without labels that nobody reads: what is in them must not count against the frame. A value that is none is refused as null. */
function known(record: Labels): Labels {
  const own: Labels = {};
  for (const label of LABELS) {
    const value = record[label];
    if (value !== undefined) own[label] = typeof value === 'object' ? null : value;
  }
  const demanded = Object.keys(record).find((label) => label.endsWith('_') && !label.startsWith('__'));
  if (demanded !== undefined) own[demanded] = true;
  return own;
}

/** SenML's rule: none, or one that is small, is meant from the time of arrival. */
function timeOf(time: unknown, baseUs: number, arrivedUs: number): number {
  const sumUs = baseUs + (time === undefined ? 0 : Math.round((time as number) * 1e6));
  return Math.abs(sumUs) < RELATIVE_BELOW_US ? arrivedUs + sumUs : sumUs;
}

function refusedRecord(code: string, message: string, bytes: Uint8Array): RefusedRecord {
  const kept = Buffer.from(bytes.subarray(0, RAW_BYTES));
  const isText = isUtf8(kept);
  const cut = bytes.length > RAW_BYTES ? ` The line has ${bytes.length} bytes.` : '';
  const says = (message + cut).replaceAll(CONTROL, ' ').toWellFormed().slice(0, REFUSED_MESSAGE_CHARS).toWellFormed();
  return { refused: { code, message: says, raw: kept.toString(isText ? 'utf8' : 'base64'), encoding: isText ? 'utf8' : 'base64' } };
}
