// Times in CSV files to whole microseconds since the epoch, by integers alone: no zone of this machine, no locale, no rounding of sums.

const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|z|UTC|[+-]\d{2}:?\d{2})?$/;
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Below it a bare number is seconds, above it milliseconds: 5138 in seconds, 1973 in milliseconds. */
const SECONDS_BELOW = 1e11;

/** `2013-12-02 21:15:00`, RFC 3339, or a bare number of seconds or milliseconds; without a zone it is UTC. Null: no time. */
export function parseTimeUs(text: string): number | null {
  const found = DATE_TIME.exec(text);
  if (!found) {
    if (!NUMBER.test(text)) return null;
    return Math.abs(Number(text)) < SECONDS_BELOW ? inRange(Math.round(Number(text) * 1e6)) : parseMillisUs(text);
  }
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(midnightMs);
  // 2013-02-30 would become the second of March.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  const offsetMinutes = zoneMinutes(zone);
  if (offsetMinutes === null) return null;
  const seconds = midnightMs / 1000 + Number(hour) * 3600 + (Number(minute) - offsetMinutes) * 60 + Number(second);
  // More than six digits are finer than anything here: the nearest microsecond.
  return inRange(seconds * 1e6 + Math.round(Number(fraction.padEnd(9, '0')) / 1000));
}

/** A cell of a `time_ms` column: epoch milliseconds, with fractions. Null: no time. */
export function parseMillisUs(text: string): number | null {
  return NUMBER.test(text) ? inRange(Math.round(Number(text) * 1000)) : null;
}

function zoneMinutes(zone: string): number | null {
  if (!/^[+-]/.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return null;
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1);
}

function inRange(timeUs: number): number | null {
  return Number.isSafeInteger(timeUs) ? timeUs : null;
}
