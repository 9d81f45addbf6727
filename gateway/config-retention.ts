// `retention`: the rules of the configuration file, with every problem at once and its place.

import { text, whole, z } from './config-schema.ts';
import { nearest } from './nearest.ts';
import type { RetentionRule } from './storage/retention-run.ts';

/** A rule as the file has it; what is null is not bounded. */
export interface RetentionSetting {
  readonly device: string;
  readonly metric: string;
  readonly days: number | null;
  readonly maxBytes: number | null;
  readonly summariesDays: number | null;
}
export interface RetentionFault {
  /** `[0].days`. */
  readonly at: string;
  readonly says: string;
}
export interface RetentionAnswer {
  /** To be used when there is no fault. */
  readonly rules: readonly RetentionSetting[];
  readonly faults: readonly RetentionFault[];
}

const MOST_RULES = 100;
const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;
const LEAST_BYTES = 1024 * 1024;
const PATTERN = text('a name, or a pattern with *', (value) => value !== '' && value.length <= 256);

const RULE = z.strictObject({
  device: PATTERN.nullish(),
  metric: PATTERN.nullish(),
  days: whole(1, MOST_DAYS).nullish(),
  maxBytes: whole(LEAST_BYTES, 2 ** 50, 'bytes').nullish(),
  summariesDays: whole(0, MOST_DAYS, '0 keeps none').nullish(),
});
const KEYS = Object.keys(RULE.shape);

export function readRetention(raw: readonly unknown[]): RetentionAnswer {
  if (raw.length > MOST_RULES) return { rules: [], faults: [{ at: '', says: `has at most ${MOST_RULES} rules, not ${raw.length}` }] };
  const rules: RetentionSetting[] = [];
  const faults: RetentionFault[] = [];
  for (const [index, one] of raw.entries()) {
    const parsed = RULE.safeParse(one);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) faults.push(...faultsOf(index, one, issue));
      continue;
    }
    const { device, metric, days, maxBytes, summariesDays } = parsed.data;
    const rule: RetentionSetting = {
      device: device ?? '*',
      metric: metric ?? '*',
      days: days ?? null,
      maxBytes: maxBytes ?? null,
      summariesDays: summariesDays ?? null,
    };
    rules.push(rule);
    faults.push(...contradictions(index, rule));
  }
  return { rules, faults };
}

/** For the store. */
export function retentionRules(settings: readonly RetentionSetting[]): RetentionRule[] {
  const ms = (days: number | null): number | null => (days === null ? null : days * DAY_MS);
  return settings.map(({ device, metric, days, maxBytes, summariesDays }) => ({
    device,
    metric,
    rawMs: ms(days),
    maxBytes,
    summariesMs: ms(summariesDays),
  }));
}

function contradictions(index: number, { days, maxBytes, summariesDays }: RetentionSetting): RetentionFault[] {
  const at = `[${index}].summariesDays`;
  if (summariesDays === null) return [];
  if (days === null && maxBytes === null)
    return [{ at, says: 'is of no use without days or maxBytes: summaries are what stays of readings that go' }];
  if (summariesDays !== 0 && days !== null && summariesDays < days)
    return [{ at, says: `(${summariesDays}) must be 0, or no less than days (${days})` }];
  return [];
}

function faultsOf(index: number, rule: unknown, issue: z.core.$ZodIssue): RetentionFault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const meant = nearest(key, KEYS);
      return {
        at: `[${index}]`,
        says: `has an unknown key ${JSON.stringify(key.slice(0, 64))}${meant === null ? '' : `; did you mean ${meant}?`}`,
      };
    });
  const [name] = issue.path;
  if (name === undefined) return [{ at: `[${index}]`, says: `must be a map of ${KEYS.join(', ')}` }];
  const value = (rule as Record<PropertyKey, unknown>)[name];
  return [{ at: `[${index}].${String(name)}`, says: `must be ${issue.message}, not ${JSON.stringify(value)?.slice(0, 64)}` }];
}
