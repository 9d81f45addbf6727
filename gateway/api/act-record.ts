// The audit row of an act whose handler has no book of its own to write it. Written first: what is begun is on record, however it ends.

import { askedFrom } from '../identity/asked-from.ts';
import type { Principal } from '../identity/identity.ts';
import { actorOf, type ApiDeps } from './api-deps.ts';

export interface Act {
  readonly act: string;
  readonly target?: string;
  readonly detail?: string;
}

export function recordAct(
  { registry, nowMs }: ApiDeps,
  principal: Principal | null,
  { act, target = '', detail = '' }: Act,
): Promise<void> {
  return registry.commit([{ audit: { atMs: nowMs(), actor: actorOf(principal), act, target, detail, address: askedFrom() } }]);
}
