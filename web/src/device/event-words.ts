// An event as a sentence: the gateway's type and reason in words, its details as they come. Unknown types are shown by their name.
import type { EventView } from '../../../gateway/protocol/rest.ts';
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
};

export function eventWords(event: EventView): EventWords {
  const reason = text.reasons[event.reason] ?? event.reason;
  const facts = Object.entries(event.detail ?? {})
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => (name === 'address' ? String(value) : `${name.replace(/[-_]/g, ' ')} ${String(value)}`));
  return {
    title: text.events[event.type] ?? event.type,
    detail: [reason, ...facts].filter(Boolean).join(' · '),
    tone: TONES[event.type] ?? 'plain',
  };
}
