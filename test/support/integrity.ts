// SQLite's own opinion of the two databases in a data directory, from outside of the gateway.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What is wrong, one line each; nothing when both are sound. */
export function damageOf(data: string): string[] {
  return ['fieldgate.db', 'registry.db'].flatMap((name) => {
    const file = join(data, name);
    if (!existsSync(file)) return [`${name} is not there`];
    const database = new Database(file, { readonly: true });
    try {
      const found = database.pragma('integrity_check') as { integrity_check: string }[];
      return found
        .map((row) => row.integrity_check)
        .filter((line) => line !== 'ok')
        .map((line) => `${name}: ${line}`);
    } finally {
      database.close();
    }
  });
}
