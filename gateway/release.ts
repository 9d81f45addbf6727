// Which Fieldgate this is. The date is a floor for clocks: a machine whose clock is before it has lost the time.

import { readFileSync } from 'node:fs';

export const VERSION: string = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;

/** Moved forward with each release. */
export const RELEASED_AT_MS = Date.UTC(2026, 10, 1);
