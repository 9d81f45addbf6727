// Fields of an NMEA sentence to numbers. An empty field is "not known"; one that should be a number and is none is a fault of the sentence.

import type { SenmlRecord } from './messages.ts';

export interface NmeaFields {
  readonly count: number;
  /** '' beyond the last. */
  text(index: number): string;
  /** Undefined: empty, or a fault. */
  number(index: number): number | undefined;
  /** Decimal degrees from `ddmm.mmm` and the letter of the hemisphere in the next field, which `positive` or `negative` is. */
  degrees(index: number, positive: string, negative: string): number | undefined;
  /** One of these was no number or out of its range. */
  readonly isFaulty: boolean;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;
/** Degrees, two digits of minutes, their fraction. */
const ANGLE = /^(\d{1,3})(\d{2}(?:\.\d*)?)$/;
const TIME = /^(\d{2})(\d{2})(\d{2}(?:\.\d{1,9})?)$/;
const DAY_SECONDS = 86_400;

export function createNmeaFields(fields: readonly string[]): NmeaFields {
  let isFaulty = false;
  const text = (index: number): string => fields[index]?.trim() ?? '';
  const fault = (): undefined => {
    isFaulty = true;
  };
  return {
    count: fields.length,
    text,
    number(index) {
      const field = text(index);
      if (field === '') return undefined;
      const value = NUMBER.test(field) ? Number(field) : Number.NaN;
      return Number.isFinite(value) ? value : fault();
    },
    degrees(index, positive, negative) {
      const field = text(index);
      const side = text(index + 1);
      if (field === '' && side === '') return undefined;
      const angle = ANGLE.exec(field);
      if (angle === null || (side !== positive && side !== negative)) return fault();
      const minutes = Number(angle[2]);
      const value = Number(angle[1]) + minutes / 60;
      if (minutes >= 60 || value > (positive === 'N' ? 90 : 180)) return fault();
      return side === negative && value !== 0 ? -value : value;
    },
    get isFaulty() {
      return isFaulty;
    },
  };
}

/** `hhmmss.sss` to seconds of the day; null when it is none. */
export function secondsOfDay(field: string): number | null {
  const time = TIME.exec(field.trim());
  if (time === null) return null;
  const [, hours, minutes, seconds] = time;
  // the 61st second of a minute exists: a leap second
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 61) return null;
  return Math.min(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), DAY_SECONDS);
}

/** Midnight of a day, epoch seconds; null when there is no such day. */
export function midnight(year: number, month: number, day: number): number | null {
  const at = Date.UTC(year, month - 1, day);
  const date = new Date(at);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? at / 1000 : null;
}

/** Adds a reading if its value is known. */
export function addReading(records: SenmlRecord[], name: string, unit: string, value: number | undefined): void {
  if (value !== undefined) records.push(unit === '' ? { n: name, v: value } : { n: name, u: unit, v: value });
}
