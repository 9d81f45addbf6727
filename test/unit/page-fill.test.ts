// How compaction cuts what hardly compresses: by SQLite's own count of its pages, and whole when it is read again.

import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { decodeChunk } from '../../gateway/storage/chunk-codec.ts';
import { createPageFill, cut, isPoorlyCut } from '../../gateway/storage/chunk-cut.ts';
import { numbersAt } from '../support/chunk-readings.ts';
import { STORAGE_DATA, type StorageDataOptions, storageColumns } from '../support/storage-data.ts';

const SERIES = 60;
const PAGE_BYTES = 8192;

function columnsOf(options: Partial<StorageDataOptions>) {
  return storageColumns({ ...STORAGE_DATA, series: SERIES, ...options }).map(({ timeUs, value }) => numbersAt(timeUs, value));
}

/** Pages of a table of these contents, one row after the other. */
function pagesOf(contents: readonly Uint8Array[]): number {
  const db = new Database(':memory:');
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.exec('CREATE TABLE chunks (id INTEGER PRIMARY KEY, content BLOB NOT NULL)');
    const add = db.prepare('INSERT INTO chunks VALUES (?, ?)');
    for (const [i, content] of contents.entries()) add.run(100_000 + i, content);
    return db.prepare(`SELECT count(*) FROM dbstat WHERE name = 'chunks' AND pagetype != 'internal'`).pluck().get() as number;
  } finally {
    db.close();
  }
}

test.each([
  ['on a grid', 0, 7.06],
  ['with jitter', 10, 7.47],
])('random doubles %s are cut so that pages are full', (_, jitterMs, atMostBytes) => {
  const series = columnsOf({ jitterMs, values: 'noise' });
  const fill = createPageFill();
  const contents: Uint8Array[] = [];
  for (const readings of series) {
    const pieces = fill.cut(readings);
    let at = 0;
    for (const { part, content } of pieces) {
      const decoded = decodeChunk(content);
      if (decoded.outcome !== 'readings') throw new Error(decoded.what);
      expect(decoded.readings.timeUs).toStrictEqual(readings.timeUs.slice(at, at + part.count));
      expect(decoded.readings.value).toStrictEqual(readings.value.slice(at, at + part.count));
      at += part.count;
    }
    expect(at).toBe(readings.count);
    // compacting once more finds nothing to do
    expect(isPoorlyCut(pieces.map(({ part, content }) => ({ count: part.count, bytes: content.length })))).toBe(false);
    contents.push(...pieces.map(({ content }) => content));
  }
  expect((pagesOf(contents) * PAGE_BYTES) / (SERIES * STORAGE_DATA.readingsPerSeries)).toBeLessThan(atMostBytes);
});

test('what compresses is cut as when it was sealed', () => {
  const [readings] = columnsOf({ series: 1 });
  const sizes = (pieces: ReturnType<typeof cut>): number[] => pieces.map(({ content }) => content.length);
  expect(sizes(createPageFill().cut(readings!))).toStrictEqual(sizes(cut(readings!)));
});
