// A thread that makes a backup of a copied database: the registry goes in as one row, then everything is looked at before it counts.

import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BACKUP_FORMAT, type CopyFacts, copyFacts } from './store-copy.ts';
import { serveThread } from './thread.ts';

export interface BackupData {
  /** The copied readings. */
  readonly file: string;
  readonly registryFile: string;
  readonly version: string;
}

serveThread<BackupData>(({ file, registryFile, version }) => {
  const db = new Database(file);
  // one file, with nothing beside it
  db.pragma('journal_mode = DELETE');
  db.pragma('synchronous = FULL');
  return {
    addRegistry(facts: CopyFacts): void {
      const registry = copyOfRegistry(registryFile, `${file}-registry`);
      db.exec(
        `CREATE TABLE backup (format INTEGER NOT NULL, made_at_ms INTEGER NOT NULL, version TEXT NOT NULL, facts TEXT NOT NULL, registry BLOB NOT NULL)`,
      );
      db.prepare('INSERT INTO backup VALUES (?, ?, ?, ?, ?)').run(BACKUP_FORMAT, Date.now(), version, JSON.stringify(facts), registry);
    },
    /** Throws when it is not what was copied. */
    verify(facts: CopyFacts): void {
      const faults = (db.prepare('PRAGMA integrity_check(1)').pluck().all() as string[]).filter((line) => line !== 'ok');
      if (faults.length > 0) throw new Error(`the copy is damaged: ${faults[0]}`);
      const its = copyFacts(db);
      for (const [name, value] of Object.entries(facts))
        if (its[name as keyof CopyFacts] !== value)
          throw new Error(`the copy differs from the database: ${name} is ${its[name as keyof CopyFacts]}, and not ${value}`);
      const logged = db.prepare('SELECT count(*) FROM log').pluck().get() as number;
      if (logged !== facts.position - facts.trimmed)
        throw new Error(`the copy has ${logged} rows of the log, and not ${facts.position - facts.trimmed}`);
    },
    close: () => void db.close(),
  };
});

/** A registry of this moment, in one piece and without what was deleted from it. */
function copyOfRegistry(registryFile: string, copy: string): Buffer {
  rmSync(copy, { force: true });
  closeSync(openSync(copy, 'wx', 0o600));
  try {
    const registry = new Database(registryFile, { readonly: true });
    try {
      registry.prepare('VACUUM INTO ?').run(copy);
    } finally {
      registry.close();
    }
    return readFileSync(copy);
  } finally {
    rmSync(copy, { force: true });
  }
}
