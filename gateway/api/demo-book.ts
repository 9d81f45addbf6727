// What the API asks of the simulated fleet; who stands behind it is the composition's business.

import type { Refusal } from '../identity/identity.ts';
import type { DemoView } from '../protocol/rest.ts';

export interface DemoBook {
  view(): DemoView;
  /** Resolves when it is on its way. */
  start(actor: string): Promise<DemoView | Refusal>;
  /** Ends it and takes its devices away with everything that they stored; of no other device anything. */
  remove(actor: string): Promise<true | Refusal>;
}
