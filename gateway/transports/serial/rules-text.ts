// What the rules of text share: bytes to a line, pieces of it to values, names to metrics. Every number is a plain decimal one: what
// else could be meant (`0x1F`, `1,5`, `nan`) is refused rather than guessed.

import type { SenmlRecord } from '../../protocol/messages.ts';
import type { RuleResult } from './rules.ts';
import type { MetricSettings } from './rules-settings.ts';

type Refusal = Extract<RuleResult, { readonly outcome: 'refused' }>;

/** RFC 8428 §4.5.1, as it is for every device. */
const METRIC = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
/** As `limits.nameBytes` says when nobody says otherwise. */
export const METRIC_BYTES = 128;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NUMBER_COMMA = /^[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?$/;
const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
const SHOWN = 32;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** A line without its end; null for bytes that are no text: control characters, or no UTF-8. */
export function readText(frame: Uint8Array): string | null {
  let end = frame.length;
  while (end > 0 && (frame[end - 1] === CR || frame[end - 1] === LF)) end--;
  for (let i = 0; i < end; i++) if (isControl(frame[i])) return null;
  try {
    return decoder.decode(frame.subarray(0, end));
  } catch {
    return null;
  }
}

/** Line ends stand inside a frame whose border is another one. */
function isControl(byte: number): boolean {
  return (byte < SPACE && byte !== TAB && byte !== LF && byte !== CR) || byte === DELETE;
}

/** Null: no decimal number, or one that a double can't hold. */
export function readNumber(text: string, isComma: boolean): number | null {
  if (!(isComma ? NUMBER_COMMA : NUMBER).test(text)) return null;
  const value = Number(isComma ? text.replace(',', '.') : text);
  return Number.isFinite(value) ? value : null;
}

/** A piece of text as the reading of a metric; null when it is not what the metric is read as. */
export function readValue(text: string, { metric, unit, as }: MetricSettings, isComma: boolean): SenmlRecord | null {
  const head = unit === undefined ? { n: metric } : { n: metric, u: unit };
  switch (as) {
    case 'text':
      return { ...head, vs: text };
    case 'boolean': {
      const lower = text.toLowerCase();
      if (lower === 'true' || lower === '1') return { ...head, vb: true };
      return lower === 'false' || lower === '0' ? { ...head, vb: false } : null;
    }
    case 'number':
    case undefined: {
      const v = readNumber(text, isComma);
      return v === null ? null : { ...head, v };
    }
    default:
      throw new Error(`no value is read as ${JSON.stringify(as satisfies never)}`);
  }
}

export function isMetric(name: string): boolean {
  return name.length <= METRIC_BYTES && METRIC.test(name);
}

/** The start of what was sent, for a message to a person. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

export const UNDECODABLE: Refusal = {
  outcome: 'refused',
  code: 'undecodable',
  message: 'The bytes are no text (UTF-8 without control characters). Look at the baud rate.',
};
export const EMPTY: RuleResult = { outcome: 'skipped', reason: 'empty' };
export const COMMENT: RuleResult = { outcome: 'skipped', reason: 'comment' };

export function refusal(code: Refusal['code'], message: string): Refusal {
  return { outcome: 'refused', code, message };
}

export function badNumber(text: string, metric: string): Refusal {
  return refusal('bad-number', `${metric}: ${shown(text)} is no decimal number, or too large a one.`);
}

/** The line as text, when there is something in it; otherwise what becomes of it. */
export function readLine(frame: Uint8Array): string | RuleResult {
  const text = readText(frame);
  if (text === null) return UNDECODABLE;
  if (text.trim() === '') return EMPTY;
  return text.startsWith('#') ? COMMENT : text;
}

export function recordsOf(records: readonly SenmlRecord[]): RuleResult {
  return records.length === 0 ? EMPTY : { outcome: 'readings', records };
}
