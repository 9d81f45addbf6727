// SenML records to readings (RFC 8428, resolved in order), straight into the batch's columns. A bad record is a fault with its index;
// the good ones beside it are stored. Nothing is converted from one type to another.

import type { RecordFault } from '../protocol/messages.ts';
import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import { readRefused } from '../protocol/refused-input.ts';
import { CLOCK_SLACK_US, CLOCK_FLOOR_US, RELATIVE_BELOW_US } from '../protocol/time.ts';
import { KIND } from '../storage/store.ts';
import type { Batcher } from './batcher.ts';
import type { DeviceSeries, IngestCatalogue, SeriesEntry } from './catalogue.ts';

export interface ValidateLimits {
  readonly readingsPerFrame: number;
  readonly nameBytes: number;
  readonly stringBytes: number;
}
/** What the records of one frame are read against. */
export interface FrameContext {
  readonly series: DeviceSeries;
  readonly receivedUs: number;
  /** Stamp the time of receipt instead of the device's own. */
  readonly isGatewayClock: boolean;
  /** It was received before: a reading without a time keeps that moment, whatever came in its series since. */
  readonly isReplay?: boolean;
  /** History of a file: its times are what they say, however old, and its units are not what the device says now. */
  readonly isImport?: boolean;
  /** A series got another unit than it had. */
  onUnitChange(metric: string, from: string, to: string): void;
  /** A time before 2000, or more than 10 min ahead. */
  onClockSuspect(metric: string, timeUs: number): void;
}

export type Faults = RecordFault[];

const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
const CONTROL = /\p{Cc}/u;
const UNIT_BYTES = 32;
const VERSION = 10;
const MAX_US = Number.MAX_SAFE_INTEGER;
const EMPTY: Faults = [];

export interface Validator {
  /** Adds the good readings to the frame begun in the batcher; returns the faults. A fault without index refused the whole frame. */
  read(records: readonly unknown[], context: FrameContext): Faults;
}

export function createValidator(batcher: Batcher, catalogue: IngestCatalogue, limits: ValidateLimits): Validator {
  // the record being read, and the base fields in force
  let baseName = '';
  let baseUs = 0;
  let baseUnit: string | undefined;
  let baseValue = 0;
  /** A base field that can't be read: what comes after it would be resolved against what the sender did not say. */
  let baseFault: ProblemCode | null;

  let name: unknown;
  let unit: unknown;
  let time: unknown;
  let value: unknown;
  let text: unknown;
  let flag: unknown;
  let updateTime: unknown;
  /** Base fields and nothing else that is known; a record without any is no base record either. */
  let isBaseOnly = false;
  let hasOther = false;
  let fault: ProblemCode | null = null;

  /** Sorts the labels of one record into the variables above. */
  function collect(record: Record<string, unknown>): void {
    name = unit = time = value = text = flag = updateTime = undefined;
    isBaseOnly = hasOther = false;
    fault = null;
    for (const label in record) {
      const field = record[label];
      switch (label) {
        case 'n':
          name = field;
          hasOther = true;
          break;
        case 'u':
          unit = field;
          hasOther = true;
          break;
        case 'v':
          value = field;
          hasOther = true;
          break;
        case 't':
          time = field;
          hasOther = true;
          break;
        case 'vs':
          text = field;
          hasOther = true;
          break;
        case 'vb':
          flag = field;
          hasOther = true;
          break;
        case 'ut':
          updateTime = field;
          hasOther = true;
          break;
        case 'bn':
          isBaseOnly = true;
          if (typeof field === 'string') baseName = field;
          else baseFault = 'wrong-type';
          break;
        case 'bt':
          isBaseOnly = true;
          if (typeof field === 'number') baseUs = Math.round(field * 1e6);
          else baseFault = 'wrong-type';
          break;
        case 'bu':
          isBaseOnly = true;
          if (typeof field === 'string') baseUnit = field;
          else baseFault = 'wrong-type';
          break;
        case 'bv':
          isBaseOnly = true;
          if (typeof field === 'number') baseValue = field;
          else baseFault = 'wrong-type';
          break;
        case 'bver':
          isBaseOnly = true;
          if (field !== VERSION) baseFault = 'unsupported-version';
          break;
        case 'vd':
        case 's':
        case 'bs':
          fault = 'unsupported-value';
          hasOther = true;
          break;
        default:
          if (label.endsWith('_')) fault ??= 'must-understand';
      }
    }
    if (hasOther) isBaseOnly = false;
  }

  function resolveTime(context: FrameContext, entry: SeriesEntry): number {
    if (!context.isGatewayClock) {
      const sum = baseUs + (time === undefined ? 0 : Math.round((time as number) * 1e6));
      if (context.isImport === true) return sum;
      if (sum !== 0) {
        const timeUs = sum < RELATIVE_BELOW_US && sum > -RELATIVE_BELOW_US ? context.receivedUs + sum : sum;
        // what a double can't hold as whole µs (or is no number at all) gets the time of receipt, and is told as suspect
        if (timeUs <= MAX_US && timeUs >= -MAX_US) {
          if (timeUs < CLOCK_FLOOR_US || timeUs > context.receivedUs + CLOCK_SLACK_US) context.onClockSuspect(entry.metric, timeUs);
          return timeUs;
        }
        context.onClockSuspect(entry.metric, timeUs);
      }
    }
    if (context.isReplay === true) return context.receivedUs;
    entry.lastGivenUs = Math.max(context.receivedUs, entry.lastGivenUs + 1);
    return entry.lastGivenUs;
  }

  function seriesOf(context: FrameContext): SeriesEntry | ProblemCode {
    if (name !== undefined && typeof name !== 'string') return 'wrong-type';
    if (unit !== undefined && typeof unit !== 'string') return 'wrong-type';
    const metric = name === undefined ? baseName : baseName === '' ? name : baseName + name;
    const wanted = unit ?? baseUnit;
    const current = context.series.metrics.get(metric);
    if (current !== undefined && (wanted === undefined || wanted === current.unit)) return current;
    if (metric.length > limits.nameBytes) return 'too-long';
    if (!NAME.test(metric)) return 'bad-name';
    if (wanted !== undefined && (wanted.length > UNIT_BYTES || Buffer.byteLength(wanted) > UNIT_BYTES || CONTROL.test(wanted)))
      return 'bad-unit';
    if (wanted !== undefined && !wanted.isWellFormed()) return 'not-well-formed';
    const known = context.series.all.get(`${metric}\0${wanted ?? ''}`);
    const keeps = context.isImport === true && current !== undefined;
    if (current !== undefined) context.onUnitChange(metric, current.unit, wanted ?? '');
    if (known !== undefined) {
      if (!keeps) context.series.metrics.set(metric, known);
      return known;
    }
    const created = catalogue.create(context.series, metric, wanted ?? '');
    if (keeps) context.series.metrics.set(metric, current);
    batcher.addSeries({ id: created.id, device: created.device, metric, unit: created.unit });
    return created;
  }

  function textFault(string: string): ProblemCode | null {
    if (string.length > limits.stringBytes || (string.length * 3 > limits.stringBytes && Buffer.byteLength(string) > limits.stringBytes))
      return 'too-long';
    return !string.isWellFormed() || string.includes('\0') ? 'not-well-formed' : null;
  }

  /** Adds the record's reading, or says what is wrong with it. */
  function readRecord(record: unknown, context: FrameContext): ProblemCode | null {
    if (typeof record !== 'object' || record === null || Array.isArray(record) || record instanceof Uint8Array) return 'wrong-type';
    collect(record as Record<string, unknown>);
    if (baseFault !== null) return baseFault;
    if (fault !== null) return fault;
    if (isBaseOnly) return null;
    const given = (value === undefined ? 0 : 1) + (text === undefined ? 0 : 1) + (flag === undefined ? 0 : 1);
    if (given === 0) return 'no-value';
    if (given > 1) return 'multiple-values';
    if (time !== undefined && typeof time !== 'number') return 'wrong-type';
    if (updateTime !== undefined && (typeof updateTime !== 'number' || !(updateTime >= 0))) return 'wrong-type';

    // the value first: a refused record must not make a series
    let number = 0;
    if (value !== undefined) {
      if (typeof value !== 'number') return 'wrong-type';
      number = value + baseValue;
      if (!Number.isFinite(number)) return 'non-finite';
      if (number === 0) number = 0; // −0 is stored as 0
    } else if (flag !== undefined) {
      if (typeof flag !== 'boolean') return 'wrong-type';
    } else {
      if (typeof text !== 'string') return 'wrong-type';
      const wrong = textFault(text);
      if (wrong !== null) return wrong;
    }
    const entry = seriesOf(context);
    if (typeof entry === 'string') return entry;
    const timeUs = resolveTime(context, entry);
    if (value !== undefined) batcher.add(entry.id, timeUs, KIND.number, number);
    else if (flag !== undefined) batcher.add(entry.id, timeUs, KIND.boolean, flag ? 1 : 0);
    else batcher.add(entry.id, timeUs, KIND.string, batcher.addString(text as string));
    return null;
  }

  return {
    read(records, context) {
      if (records.length > limits.readingsPerFrame) return [wholeFault('too-many-readings')];
      baseName = '';
      baseUs = baseValue = 0;
      baseUnit = undefined;
      baseFault = null;
      let faults = EMPTY;
      for (let index = 0; index < records.length; index++) {
        const code = readRecord(records[index], context);
        if (code === null) continue;
        if (faults === EMPTY) faults = [];
        faults.push(code === 'no-value' ? withoutValue(index, records[index]) : { index, code, message: PROBLEMS[code].title });
      }
      if (batcher.frameReadings === 0 && faults.length === 0) return [wholeFault('empty-pack')];
      return faults;
    },
  };
}

/** It may be what the device itself could not read: then that is the fault. */
function withoutValue(index: number, record: unknown): RecordFault {
  const refused = readRefused(record);
  return refused === null
    ? { index, code: 'no-value', message: PROBLEMS['no-value'].title }
    : { index, code: refused.code, message: refused.message };
}

export function wholeFault(code: ProblemCode): RecordFault {
  return { code, message: PROBLEMS[code].title };
}
