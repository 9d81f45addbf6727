// An event as a sentence: the gateway's type and reason in words, its details as they come. Unknown types are shown by their name.
import type { EventView } from '../../../gateway/protocol/rest.ts';
import { formatAge, formatBytes, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

export interface EventWords {
  readonly title: string;
  readonly detail: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'plain';
}

const TONES: Readonly<Record<string, EventWords['tone']>> = {
  online: 'good',
  'store-recovered': 'good',
  'disk-freed': 'good',
  'port-open': 'good',
  'slave-answers': 'good',
  offline: 'bad',
  'disk-full': 'bad',
  'store-failed': 'bad',
  'chunk-damaged': 'bad',
  'port-absent': 'bad',
  'port-failed': 'bad',
  'port-stuck': 'bad',
  'frame-refused': 'warn',
  'clock-suspect': 'warn',
  'unit-changed': 'warn',
  'duplicate-identity': 'warn',
  'store-went-back': 'warn',
  'disk-low': 'warn',
  'wal-large': 'warn',
  'backup-failed': 'warn',
  'certificate-ending': 'warn',
  'clock-jumped': 'warn',
  'quarantine-growing': 'warn',
  'port-silent': 'warn',
  'port-garbage': 'warn',
  'slave-silent': 'warn',
};

export function eventWords(event: EventView): EventWords {
  const { type, detail = {} } = event;
  if (type === 'act') return { title: text.acts[event.reason] ?? event.reason, detail: '', tone: 'plain' };
  const reason = text.reasons[event.reason] ?? event.reason;
  const facts = Object.entries(detail).flatMap(([name, value]) => (value === event.reason ? [] : fact(name, value)));
  return {
    title: text.events[type] ?? type,
    detail: [reason, ...facts].filter(Boolean).join(' · '),
    // an alarm that is over is no warning any more
    tone: event.reason === 'over' ? 'good' : (TONES[type] ?? 'plain'),
  };
}

/** Facts whose value says it all. */
const BARE = new Set(['address', 'addresses', 'message', 'mend', 'path', 'error', 'what']);

function fact(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return fact(name, value.join(', '));
  if (typeof value === 'string') return value === '' ? [] : [BARE.has(name) ? value : `${said(name)} ${value}`];
  // a moment in ms says nothing that the offset does not
  if (typeof value !== 'number' || name.endsWith('Ms') || name === 'minFreeBytes') return [];
  if (/bytes$/i.test(name)) return [bytesFact(name, value)];
  if (!name.endsWith('Seconds')) return [`${said(name)} ${formatNumber(value)}`];
  return [`${said(name.slice(0, -'Seconds'.length))} ${value < 0 ? '−' : ''}${formatAge(Math.abs(value) * 1000)}`];
}
function bytesFact(name: string, value: number): string {
  const { figure, unit } = formatBytes(value);
  return `${said(name.replace(/bytes$/i, ''))} ${figure} ${unit}`.trim();
}
const said = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
