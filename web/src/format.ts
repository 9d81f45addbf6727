// Numbers, ages, spans and times as people read them. Ages and spans in ms; a scale keeps a metric's decimals from jumping.
import type { Value } from '../../gateway/protocol/messages.ts';
import { text } from './i18n/en.ts';
import { timeZone } from './zone.ts';

const LOCALE = 'en-GB';
const byDecimals = new Map<number, Intl.NumberFormat>();

export function formatNumber(value: number, decimals = 0): string {
  let format = byDecimals.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    byDecimals.set(decimals, format);
  }
  // a real minus is as wide as a digit
  return format.format(value).replace('-', '−');
}

/** How many decimals a metric is shown with: as many as it has sent, within what its size makes sensible. Only ever grows. */
export interface Scale {
  seen: number;
  largest: number;
}
export const createScale = (): Scale => ({ seen: 0, largest: 0 });

export function feedScale(scale: Scale, value: number): void {
  const size = Math.abs(value);
  if (size > scale.largest) scale.largest = size;
  if (scale.seen < 4 && !Number.isInteger(value)) {
    const written = String(size);
    const dot = written.indexOf('.');
    const decimals = written.includes('e') ? 4 : dot < 0 ? 0 : written.length - dot - 1;
    if (decimals > scale.seen) scale.seen = Math.min(decimals, 4);
  }
}

export function scaleDecimals(scale: Scale): number {
  const sensible = scale.largest >= 1000 ? 1 : scale.largest >= 10 ? 2 : scale.largest >= 1 ? 3 : 4;
  return Math.min(scale.seen, sensible);
}

/** The metric's name decides the words for true and false. */
export function formatValue(value: Value, scale: Scale, metric: string): string {
  if (typeof value === 'boolean') return text.boolean(metric, value);
  if (typeof value === 'string') return value;
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(3).replace('-', '−');
  return formatNumber(value, scaleDecimals(scale));
}

/** `<1 s`, `48 s`, `32 min`, `2 h`, `11 d`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.floor(Math.max(0, ageMs) / 1000);
  if (seconds < 1) return text.age.now;
  if (seconds < 90) return `${seconds} ${text.age.s}`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} ${text.age.min}`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} ${text.age.h}`;
  return `${formatNumber(Math.round(seconds / 86_400))} ${text.age.d}`;
}

/** A length of time with its own precision: `250 ms`, `1.5 s`, `2 min`. */
export function formatSpan(spanMs: number): string {
  if (spanMs < 1000) return `${Math.round(spanMs)} ms`;
  if (spanMs < 60_000) return `${trim(spanMs / 1000)} ${text.age.s}`;
  if (spanMs < 3_600_000) return `${trim(spanMs / 60_000)} ${text.age.min}`;
  if (spanMs < 86_400_000) return `${trim(spanMs / 3_600_000)} ${text.age.h}`;
  return `${trim(spanMs / 86_400_000)} ${text.age.d}`;
}
const trim = (value: number): string => formatNumber(value, Number.isInteger(value) || value >= 10 ? 0 : 1);

export function formatBytes(bytes: number): { readonly figure: string; readonly unit: string } {
  let size = bytes;
  let step = 0;
  while (size >= 1000 && step < text.bytes.length - 1) {
    size /= 1000;
    step++;
  }
  return { figure: formatNumber(size, step > 0 && size < 100 ? 1 : 0), unit: text.bytes[step] ?? '' };
}

type Shape = 'clock' | 'clockSeconds' | 'day' | 'date' | 'key';
const SHAPES: Readonly<Record<Shape, Intl.DateTimeFormatOptions>> = {
  clock: { hour: '2-digit', minute: '2-digit' },
  clockSeconds: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  date: { day: 'numeric', month: 'short', year: 'numeric' },
  key: { day: '2-digit', month: '2-digit', year: 'numeric' },
};
const byShape = new Map<string, Intl.DateTimeFormat>();

/** In the zone of the moment: who calls it while drawing is drawn again when the zone changes. */
function formatTime(shape: Shape, atMs: number): string {
  const zone = timeZone();
  const key = `${shape} ${zone ?? ''}`;
  let format = byShape.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(LOCALE, { ...SHAPES[shape], ...(zone === undefined ? {} : { timeZone: zone }) });
    byShape.set(key, format);
  }
  return format.format(atMs);
}

export const formatClock = (atMs: number): string => formatTime('clock', atMs);
/** The day of the week with the date: `Fri, 20 Nov`. */
export const formatDay = (atMs: number): string => formatTime('day', atMs);
export const formatDate = (atMs: number): string => formatTime('date', atMs);
/** Seconds, and milliseconds where `fine`: for reading a chart. */
export function formatInstant(atMs: number, fine = false): string {
  const seconds = formatTime('clockSeconds', atMs);
  return fine ? `${seconds}.${String(Math.floor(atMs) % 1000).padStart(3, '0')}` : seconds;
}
/** The clock today, the day otherwise. */
export function formatMoment(atMs: number, nowMs: number): string {
  return formatTime('key', atMs) === formatTime('key', nowMs) ? formatTime('clock', atMs) : formatTime('day', atMs);
}
export const formatFull = (atMs: number): string => `${formatTime('day', atMs)}, ${formatTime('clockSeconds', atMs)}`;
