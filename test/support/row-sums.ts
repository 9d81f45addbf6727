// Whether every row of the chunk index has the sums that its entries add up to.

import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { unpackEntries } from '../../gateway/storage/chunk-entries.ts';
import { packSums } from '../../gateway/storage/row-sums.ts';

/** How many rows there are. */
export function sumsAreTrue(file: string): number {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db.prepare('SELECT sums, entries FROM chunk_index').raw().all() as [Buffer | null, Buffer][];
    for (const [sums, entries] of rows) expect(sums?.toString('hex')).toBe(Buffer.from(packSums(unpackEntries(entries))).toString('hex'));
    return rows.length;
  } finally {
    db.close();
  }
}
