// The span of time as it stands in the address: `range=6h` ends now, `from` and `to` (epoch ms) are fixed.
import type { TimeView } from './time-axis.ts';

export const RANGES = { '5m': 300_000, '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const;
export type RangeName = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as RangeName[];

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const YOUNG_MS = 15 * 60_000;
/** Of what a Date can hold. */
const MOST_MS = 8.64e15;

/** Null: the address says nothing, or nothing that can be shown. */
export function readTimeQuery(query: URLSearchParams): TimeView | null {
  const [from, to] = [query.get('from'), query.get('to')];
  if (from !== null && to !== null) {
    const [fromMs, toMs] = [Number(from), Number(to)];
    if (Math.abs(fromMs) <= MOST_MS && Math.abs(toMs) <= MOST_MS && fromMs < toMs) return { kind: 'fixed', fromMs, toMs };
  }
  const range = /^(\d{1,7})(ms|[smhd])$/.exec(query.get('range') ?? '');
  if (range === null) return null;
  const spanMs = Number(range[1]) * UNITS[range[2] as keyof typeof UNITS];
  return spanMs > 0 && spanMs <= MOST_MS ? { kind: 'live', spanMs } : null;
}

export function writeTimeQuery(query: URLSearchParams, view: TimeView | null): void {
  for (const name of ['range', 'from', 'to']) query.delete(name);
  if (view === null) return;
  if (view.kind === 'live') query.set('range', rangeName(view.spanMs));
  else {
    query.set('from', String(view.fromMs));
    query.set('to', String(view.toMs));
  }
}

/** `6h`, `90s`: the largest unit that says it exactly. A day is `24h`, as the buttons have it. */
export function rangeName(spanMs: number): string {
  const known = RANGE_NAMES.find((name) => RANGES[name] === spanMs);
  if (known !== undefined) return known;
  for (const unit of ['d', 'h', 'm', 's'] as const) if (spanMs % UNITS[unit] === 0) return `${spanMs / UNITS[unit]}${unit}`;
  return `${Math.round(spanMs)}ms`;
}

/** An hour, or five minutes where there is hardly more to see. */
export function defaultView(firstMs: number | null, nowMs: number): TimeView {
  return { kind: 'live', spanMs: RANGES[firstMs !== null && nowMs - firstMs < YOUNG_MS ? '5m' : '1h'] };
}
