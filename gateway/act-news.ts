// What people and keys do to devices, told as events of them: everybody sees that it happened, the audit says to admins who did it.

import type { Ingest } from './ingest/ingest.ts';
import type { Registry } from './storage/registry.ts';

export interface ActNews {
  readonly registry: Registry;
  /** From now on nothing is told. */
  stop(): void;
}

/** Acts on a device that is there; others have events of their own, or concern nobody but admins. */
const OF_DEVICES = /^(device\.(?!create$)|token\.)/;

/** Tells after the commit that holds the act. `recordEvent` is looked up late: the registry is opened first. */
export function createActNews(registry: Registry, recordEvent: () => Ingest['recordEvent']): ActNews {
  let isStopped = false;
  return {
    registry: {
      ...registry,
      async commit(changes) {
        await registry.commit(changes);
        for (const change of isStopped ? [] : changes) {
          if (!('audit' in change)) continue;
          const { act, target: device } = change.audit;
          if (OF_DEVICES.test(act)) recordEvent()({ device, type: 'act', reason: act });
        }
      },
    },
    stop() {
      isStopped = true;
    },
  };
}
