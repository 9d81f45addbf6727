// What the records of a frame mean (RFC 8428 and protocol.md), worked out without any code of the gateway: the oracle's own opinion.

import type { Value } from '../gateway/protocol/messages.ts';

export interface SentReading {
  /** The record's place in its frame. */
  readonly index: number;
  readonly metric: string;
  readonly unit: string;
  /** Microseconds since the epoch; null where the gateway's clock decides. */
  readonly timeUs: number | null;
  readonly value: Value;
}

/** Below this a time is relative to receipt. */
const RELATIVE_BELOW_US = 2 ** 28 * 1e6;

/** Null: not an array. Records without a value that could be stored are left out. `units` has the latest unit of each metric and is kept up. */
export function readingsOf(body: string, units: Map<string, string>): SentReading[] | null {
  let records: unknown;
  try {
    records = JSON.parse(body);
  } catch {
    return null;
  }
  if (!Array.isArray(records)) return null;
  const readings: SentReading[] = [];
  let name = '';
  let timeUs = 0;
  let unit: string | undefined;
  let add = 0;
  for (const [index, record] of (records as unknown[]).entries()) {
    if (typeof record !== 'object' || record === null) continue;
    const { bn, bt, bu, bv, n, u, t, v, vs, vb } = record as Record<string, unknown>;
    if (typeof bn === 'string') name = bn;
    if (typeof bt === 'number') timeUs = Math.round(bt * 1e6);
    if (typeof bu === 'string') unit = bu;
    if (typeof bv === 'number') add = bv;
    const value = valueOf(v, vs, vb, add);
    if (value === null) continue;
    const metric = name + (typeof n === 'string' ? n : '');
    const own = typeof u === 'string' ? u : (unit ?? units.get(metric) ?? '');
    units.set(metric, own);
    readings.push({ index, metric, unit: own, timeUs: timeOf(timeUs + (typeof t === 'number' ? Math.round(t * 1e6) : 0)), value });
  }
  return readings;
}

function valueOf(v: unknown, vs: unknown, vb: unknown, add: number): Value | null {
  if ([v, vs, vb].filter((one) => one !== undefined).length !== 1) return null;
  // −0 is 0
  if (typeof v === 'number') return v + add || 0;
  if (typeof vs === 'string') return vs;
  return typeof vb === 'boolean' ? vb : null;
}

function timeOf(us: number): number | null {
  return Math.abs(us) < RELATIVE_BELOW_US || Math.abs(us) > Number.MAX_SAFE_INTEGER ? null : us;
}
