// An event as a sentence: the gateway's type and reason in words, its details as they come. Unknown types are shown by their name.
import type { EventView } from '../../../gateway/protocol/rest.ts';
import { formatAge, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

export interface EventWords {
  readonly title: string;
  readonly detail: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'plain';
}

const TONES: Readonly<Record<string, EventWords['tone']>> = {
  online: 'good',
  offline: 'bad',
  'frame-refused': 'warn',
  quarantined: 'warn',
  'clock-suspect': 'warn',
  'unit-changed': 'warn',
  'duplicate-identity': 'warn',
  'store-went-back': 'warn',
  'disk-low': 'warn',
  'disk-full': 'bad',
  'store-failed': 'bad',
};

export function eventWords(event: EventView): EventWords {
  const reason = text.reasons[event.reason] ?? event.reason;
  const facts = Object.entries(event.detail ?? {}).flatMap(([name, value]) => (value === event.reason ? [] : fact(name, value)));
  return {
    title: text.events[event.type] ?? event.type,
    detail: [reason, ...facts].filter(Boolean).join(' · '),
    tone: TONES[event.type] ?? 'plain',
  };
}

function fact(name: string, value: unknown): string[] {
  if (typeof value === 'string') return [name === 'address' ? value : `${said(name)} ${value}`];
  // a moment in ms says nothing that the offset does not
  if (typeof value !== 'number' || name.endsWith('Ms')) return [];
  if (!name.endsWith('Seconds')) return [`${said(name)} ${formatNumber(value)}`];
  return [`${said(name.slice(0, -'Seconds'.length))} ${value < 0 ? '−' : ''}${formatAge(Math.abs(value) * 1000)}`];
}
const said = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
