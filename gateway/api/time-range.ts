// The moments a query may name — RFC 3339, epoch milliseconds, now-6h — as exact integer microseconds, and half-open ranges of them.

export interface TimeRange {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Times are exact in a double up to here, on both sides of 1970. */
export const TIME_BOUND_US = 2 ** 53;

const MS = /^(-?)(\d{1,16})(?:\.(\d{1,12}))?$/;
// A `+` that was not escaped arrives as a space: 12:00:00+01:00 in a URL is far commoner than an offset meant to be a space.
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+\- ])(\d\d):(\d\d))$/;
const RELATIVE = /^now(?:-(\d{1,9})([smhdw]))?$/;
const UNIT_US: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6, w: 604_800e6 };

/** A bound in µs, or null when the text is no time or lies outside ±2^53 µs. A bound between two µs counts as the later one. */
export function parseTimeUs(text: string, nowMs: number): number | null {
  const us = parseMs(text) ?? parseRfc3339(text) ?? parseRelative(text, nowMs);
  if (us === null || us > BigInt(TIME_BOUND_US) || us < -BigInt(TIME_BOUND_US)) return null;
  return Number(us);
}

function parseMs(text: string): bigint | null {
  const match = MS.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const negative = sign === '-';
  const us = BigInt(whole) * 1000n + fractionUnits(fraction, 3, !negative);
  return negative ? -us : us;
}

function parseRfc3339(text: string): bigint | null {
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const [fraction = '', sign = '', offsetHour = '0', offsetMinute = '0'] = match.slice(7);
  if (hour > 23 || minute > 59 || second > 60 || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offsetSeconds = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60 * (sign === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + (hour * 60 + minute) * 60 + second - offsetSeconds;
  return BigInt(seconds) * 1_000_000n + fractionUnits(fraction, 6, true);
}

function parseRelative(text: string, nowMs: number): bigint | null {
  const match = RELATIVE.exec(text);
  if (!match) return null;
  const backUs = match[1] === undefined ? 0n : BigInt(match[1]) * BigInt(UNIT_US[match[2] as string] as number);
  return BigInt(Math.round(nowMs * 1000)) - backUs;
}

/** `digits` decimals as a whole number; what is beyond them rounds up (towards the later moment) when asked. */
function fractionUnits(fraction: string, digits: number, up: boolean): bigint {
  const whole = BigInt(fraction.slice(0, digits).padEnd(digits, '0'));
  return up && /[1-9]/.test(fraction.slice(digits)) ? whole + 1n : whole;
}

/** Where bucket i of `points` begins, exactly: the product is beyond 2^53 for long ranges. */
export function bucketStartMs(range: TimeRange, points: number, index: number): number {
  const span = BigInt(range.toUs) - BigInt(range.fromUs);
  return Number(BigInt(range.fromUs) + (BigInt(index) * span) / BigInt(points)) / 1000;
}

/** RFC 3339 with microseconds where there are any. */
export function formatTimeUs(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const restUs = timeUs - ms * 1000;
  const text = new Date(ms).toISOString();
  return restUs === 0 ? text : `${text.slice(0, -1)}${String(restUs).padStart(3, '0')}Z`;
}

export function formatTimeMs(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
