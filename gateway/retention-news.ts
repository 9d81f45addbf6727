// What retention let go, told: as an event of each rule and run, and as a count.

import type { Ingest } from './ingest/ingest.ts';
import type { Observe } from './observe.ts';
import type { RetentionSettings } from './storage/retention.ts';

type News = Required<Pick<RetentionSettings, 'onGone' | 'onExpired' | 'onFailed'>>;

export function createRetentionNews(observe: Observe, recordEvent: Ingest['recordEvent']): News {
  const expired = observe.counter('fieldgate_expired_readings_total', 'Readings that retention let go.');
  return {
    onGone: (readings) => expired.add(readings),
    onExpired({ rule, reason, readings, bytes }) {
      recordEvent({ type: 'retention', reason, detail: { devices: rule.device, metrics: rule.metric, readings, bytes } });
    },
    onFailed: (error) => observe.log.error({ err: error }, 'Retention broke off; it goes on with its next turn'),
  };
}
