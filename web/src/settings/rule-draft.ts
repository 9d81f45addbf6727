// A rule of retention while it is edited: what stands in the fields, what it means in words, and what the gateway takes.
import type { RetentionRuleView } from '../../../gateway/protocol/rest.ts';
import { formatBytes, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

export interface RuleDraft {
  /** Stays with the rule while it moves. */
  readonly id: number;
  readonly device: string;
  readonly metric: string;
  readonly days: string;
  /** In millions of bytes. */
  readonly size: string;
  readonly sums: string;
}
export type RuleField = Exclude<keyof RuleDraft, 'id'>;

const MEGABYTE = 1e6;
const words = text.settings.retention;
let drafts = 0;

/** The gateway's name of each field. */
export const FIELD_NAMES: Readonly<Record<RuleField, keyof RetentionRuleView>> = {
  device: 'device',
  metric: 'metric',
  days: 'days',
  size: 'maxBytes',
  sums: 'summariesDays',
};

export const newRule = (): RuleDraft => ({ id: ++drafts, device: '*', metric: '*', days: '90', size: '', sums: '' });

export function draftOf({ device, metric, days, maxBytes, summariesDays }: RetentionRuleView): RuleDraft {
  const shown = (value: number | null): string => (value === null ? '' : String(value));
  return {
    id: ++drafts,
    device,
    metric,
    days: shown(days),
    size: maxBytes === null ? '' : String(maxBytes / MEGABYTE),
    sums: shown(summariesDays),
  };
}

const numberOf = (written: string): number | null | undefined => {
  const trimmed = written.trim();
  if (trimmed === '') return null;
  return /^\d{1,12}(\.\d+)?$/.test(trimmed) ? Number(trimmed) : undefined;
};

/** A field that holds no number; the gateway judges everything else. */
export function wrongField(draft: RuleDraft): RuleField | null {
  return (['days', 'size', 'sums'] as const).find((field) => numberOf(draft[field]) === undefined) ?? null;
}

export function ruleOf(draft: RuleDraft): RetentionRuleView {
  const size = numberOf(draft.size) ?? null;
  return {
    device: draft.device.trim(),
    metric: draft.metric.trim(),
    days: numberOf(draft.days) ?? null,
    maxBytes: size === null ? null : Math.round(size * MEGABYTE),
    summariesDays: numberOf(draft.sums) ?? null,
  };
}

export function bytesText(bytes: number): string {
  const { figure, unit } = formatBytes(bytes);
  return `${figure} ${unit}`;
}

/** `All readings of pump-* stay 90 days; their sums stay for charts.` */
export function ruleText({ device, metric, days, maxBytes, summariesDays }: RetentionRuleView): string {
  const kept = [
    ...(days === null ? [] : [words.keptDays(formatNumber(days))]),
    ...(maxBytes === null ? [] : [words.keptSize(bytesText(maxBytes))]),
  ];
  if (kept.length === 0) return `${words.what(metric, device)} ${words.forever}.`;
  const sums =
    summariesDays === null ? words.sumsForever : summariesDays === 0 ? words.sumsNone : words.sumsDays(formatNumber(summariesDays));
  return `${words.what(metric, device)} ${kept.join(', ')}; ${sums}.`;
}
