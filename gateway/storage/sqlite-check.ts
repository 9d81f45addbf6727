// A thread of its own for looking through a whole database, on a read-only connection: it can take long, and nobody's question waits.

import Database from 'better-sqlite3';
import { serveThread } from './thread.ts';

serveThread<{ file: string }>(({ file }) => {
  const db = new Database(file, { readonly: true });
  return {
    /** Null: sound. Else the first thing that is not. */
    check(): string | null {
      const first = db.pragma('quick_check(1)', { simple: true }) as string;
      return first === 'ok' ? null : first;
    },
    close: () => void db.close(),
  };
});
