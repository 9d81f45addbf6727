// A thread that looks through a database, on read-only connections and in turns: each call is one read transaction of some hundred
// milliseconds, and keeps one bit a chunk in memory, whatever the database holds. verify-store.ts asks the questions.

import Database from 'better-sqlite3';
import type { VerifyFinding } from '../protocol/rest.ts';
import { decodeChunks } from './chunk-codec.ts';
import { type ChunkEntry, isGone, readingsOf, unpackEntries } from './chunk-entries.ts';
import { packSums } from './row-sums.ts';
import { exactSum, summarize } from './chunk-summary.ts';
import { serveThread } from './thread.ts';

export interface VerifyFiles {
  readonly file: string;
  readonly registryFile: string | null;
}
/** Of a pass that goes on: what was found in this turn, and how much was looked at. */
export interface Turn {
  readonly found: readonly VerifyFinding[];
  readonly rows: number;
  readonly chunks: number;
  readonly readings: number;
  readonly isLast: boolean;
}
type IndexRow = [series: number, startUs: number, number: number, endUs: number, readings: number, sums: Buffer | null, entries: Buffer];
type Key = readonly [series: number, startUs: number, number: number];

const TURN_MS = 200;
const ROWS = 64;
const IDS = 50_000;
const LOG_ROWS = 200_000;
/** Up to this size the whole database is checked in one go, beyond it table by table: no read transaction may take long. */
const WHOLE_BYTES = 256 * 2 ** 20;
const MOST_FAULTS = 100;
const FIRST: Key = [0, 0, 0];
const COMPARED = ['count', 'startUs', 'endUs', 'min', 'max', 'sum', 'lost', 'first', 'last'] as const;

serveThread<VerifyFiles>(({ file, registryFile }) => openVerifier(file, registryFile) as never);

function openVerifier(file: string, registryFile: string | null) {
  const db = new Database(file, { readonly: true });
  const meta = db.prepare('SELECT content FROM meta WHERE key = ?').pluck();
  const numberOf = (key: string): number => Number(meta.get(key) ?? 0);
  const rowsAfter = db
    .prepare(
      `SELECT series, start_us, number, end_us, readings, sums, entries FROM chunk_index
       WHERE (series, start_us, number) > (?, ?, ?) ORDER BY series, start_us, number LIMIT ?`,
    )
    .raw();
  const rowBefore = db
    .prepare('SELECT entries FROM chunk_index WHERE series = ? AND (start_us, number) < (?, ?) ORDER BY start_us DESC, number DESC LIMIT 1')
    .pluck();
  const contents = db.prepare('SELECT id, content FROM chunks WHERE id IN (SELECT value FROM json_each(?))').raw();
  const idsAfter = db.prepare('SELECT id FROM chunks WHERE id > ? ORDER BY id LIMIT ?').pluck();
  const named = db.prepare('SELECT device, metric, unit FROM series WHERE id = ?');
  const atOnce = <T>(ask: () => T): T => db.transaction(ask)();
  let seen = new Uint8Array(0);

  function of(what: VerifyFinding['what'], detail: string, series?: number, span?: { startUs: number; endUs: number; readings: number }) {
    const its = series === undefined ? undefined : (named.get(series) as { device: string; metric: string; unit: string } | undefined);
    return {
      what,
      device: its?.device ?? null,
      metric: its?.metric ?? null,
      unit: its?.unit ?? null,
      fromMs: span === undefined ? null : span.startUs / 1000,
      toMs: span === undefined ? null : span.endUs / 1000,
      readings: span?.readings ?? null,
      detail,
    } satisfies VerifyFinding;
  }

  /** Rows from behind `after` on, until the turn is over. */
  function eachRow(after: Key, look: (row: IndexRow) => { chunks: number; readings: number }): Omit<Turn, 'found'> & { after: Key } {
    const untilMs = performance.now() + TURN_MS;
    let at = after;
    const sum = { rows: 0, chunks: 0, readings: 0 };
    for (;;) {
      const rows = rowsAfter.all(...at, ROWS) as IndexRow[];
      for (const row of rows) {
        const { chunks, readings } = look(row);
        sum.rows++;
        sum.chunks += chunks;
        sum.readings += readings;
        at = [row[0], row[1], row[2]];
        if (performance.now() > untilMs) return { ...sum, after: at, isLast: false };
      }
      if (rows.length < ROWS) return { ...sum, after: at, isLast: true };
    }
  }

  function indexRow(
    [series, startUs, number, endUs, readings, sums, packed]: IndexRow,
    found: VerifyFinding[],
    lastId: number,
    end: number,
  ) {
    const span = { startUs, endUs, readings };
    const bad = (detail: string): unknown => found.push(of('index', detail, series, span));
    if (named.get(series) === undefined) bad(`a row of the chunk index belongs to series ${series}, which is not there`);
    let entries: ChunkEntry[];
    try {
      entries = unpackEntries(packed);
    } catch (error) {
      bad((error as Error).message);
      return { chunks: 0, readings: 0 };
    }
    // null: of an earlier version, and not added up yet
    if (sums !== null && entries.length > 0 && !sums.equals(packSums(entries))) bad('the row says other sums than its chunks');
    const firstUs = entries.find((entry) => !isGone(entry))?.startUs ?? startUs;
    if (endOfChunks(rowBefore.get(series, startUs, number) as Buffer | undefined) > firstUs)
      bad('two rows of the chunk index overlap in time');
    // the sums of what is gone reach over readings that came later: they must only begin in order
    let beganUs = Number.NEGATIVE_INFINITY;
    let endedUs = Number.NEGATIVE_INFINITY;
    for (const entry of entries) {
      if (entry.startUs < (isGone(entry) ? beganUs : Math.max(beganUs, endedUs)))
        bad(`chunk ${entry.id} begins before the one in front of it ends`);
      beganUs = entry.startUs;
      if (!isGone(entry)) endedUs = entry.endUs;
      if (entry.position > end) bad(`chunk ${entry.id} has readings from behind the end of what was sealed`);
      if (isGone(entry)) continue;
      if (entry.id < 1 || entry.id > lastId) bad(`chunk ${entry.id} has a number that was never given`);
      else if (note(entry.id)) bad(`chunk ${entry.id} is in the index twice`);
    }
    const counted = readingsOf(entries);
    if (counted !== readings) bad(`the row says ${readings} readings, its chunks ${counted}`);
    if (entries.length === 0 || entries[0]?.startUs !== startUs || Math.max(...entries.map((entry) => entry.endUs)) !== endUs)
      bad('the row says another time range than its chunks');
    return { chunks: entries.filter((entry) => !isGone(entry)).length, readings: counted };
  }
  /** Of a row's chunks, sums without readings aside. */
  function endOfChunks(packed: Buffer | undefined): number {
    if (packed === undefined) return Number.NEGATIVE_INFINITY;
    try {
      return Math.max(...unpackEntries(packed).map((entry) => (isGone(entry) ? Number.NEGATIVE_INFINITY : entry.endUs)));
    } catch {
      return Number.NEGATIVE_INFINITY; // told of when it was its turn
    }
  }
  /** True: it was there before. */
  function note(id: number): boolean {
    const at = id >> 3;
    const bit = 1 << (id & 7);
    const wasThere = ((seen[at] ?? 0) & bit) !== 0;
    seen[at] = (seen[at] ?? 0) | bit;
    return wasThere;
  }

  function chunksOf([series, , , , , , packed]: IndexRow, found: VerifyFinding[]) {
    let entries: ChunkEntry[];
    try {
      entries = unpackEntries(packed).filter((entry) => !isGone(entry));
    } catch {
      return { chunks: 0, readings: 0 }; // the pass over the index has told of it
    }
    const content = new Map(contents.all(JSON.stringify(entries.map(({ id }) => id))) as [number, Buffer][]);
    const there = entries.filter(({ id }) => content.has(id));
    const decoded = decodeChunks(there.map(({ id }) => content.get(id) as Buffer));
    const bad = (entry: ChunkEntry, detail: string): unknown =>
      found.push(of('chunk', `chunk ${entry.id}: ${detail}`, series, { ...entry, readings: entry.count }));
    for (const entry of entries) if (!content.has(entry.id)) bad(entry, 'it is not there');
    for (const [i, entry] of there.entries()) {
      const one = decoded[i] as (typeof decoded)[number];
      if (one.outcome === 'damaged') bad(entry, one.what);
      else {
        const its = { ...summarize(one.readings), ...exactSum(one.readings) };
        const wrong: string[] = COMPARED.filter((name) => !Object.is(its[name], entry[name]));
        if (one.readings.kind !== entry.kind) wrong.push('kind');
        if (content.get(entry.id)?.length !== entry.bytes) wrong.push('bytes');
        if (one.readings.timeUs.some((timeUs, t, all) => t > 0 && t < one.readings.count && timeUs < (all[t - 1] as number)))
          wrong.push('order of times');
        if (wrong.length > 0) bad(entry, `what the index says of it is not so: ${wrong.join(', ')}`);
      }
    }
    return { chunks: entries.length, readings: readingsOf(entries) };
  }

  const faultsOf = (of: Database.Database, table: string | null): string[] =>
    (
      of
        .prepare(`PRAGMA integrity_check(${table === null ? MOST_FAULTS : `"${table}"`})`)
        .pluck()
        .all() as string[]
    ).filter((line) => line !== 'ok');

  return {
    /** What `integrity` is to be asked for, one after the other; null is all at once. */
    tables(): (string | null)[] {
      const bytes = (db.pragma('page_count', { simple: true }) as number) * (db.pragma('page_size', { simple: true }) as number);
      if (bytes <= WHOLE_BYTES) return [null];
      return db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).pluck().all() as string[];
    },
    integrity: (table: string | null): VerifyFinding[] => faultsOf(db, table).map((line) => of('database', line)),
    registry(): VerifyFinding[] {
      if (registryFile === null) return [];
      const registry = new Database(registryFile, { readonly: true });
      try {
        return faultsOf(registry, null).map((line) => of('registry', line));
      } finally {
        registry.close();
      }
    },

    /** Marks: what was sealed and trimmed lies within what there is. */
    marks: () =>
      atOnce((): VerifyFinding[] => {
        const [position, sealed, trimmed] = ['position', 'sealed', 'trimmed'].map(numberOf) as [number, number, number];
        const found: VerifyFinding[] = [];
        if (sealed > position) found.push(of('log', `sealed up to ${sealed}, and there are positions up to ${position} only`));
        if (trimmed > sealed) found.push(of('log', `the log begins behind ${trimmed}, and is sealed up to ${sealed} only`));
        const ahead = db.prepare('SELECT series, position FROM sealing WHERE position > ? OR position <= ?').raw();
        for (const [series, at] of ahead.all(position, sealed) as [number, number][])
          found.push(of('log', `of a round of sealing: up to ${at}, beside ${sealed} and ${position}`, series));
        return found;
      }),
    /** Every position from the trimmed end on has its row, and its series is there. */
    log: (from: number): Turn & { after: number } =>
      atOnce(() => {
        const first = Math.max(from, numberOf('trimmed'));
        const last = Math.min(first + LOG_ROWS, numberOf('position'));
        const rows = db
          .prepare(
            'SELECT count(*), total(s.id IS NULL) FROM log l LEFT JOIN series s ON s.id = l.series WHERE position > ? AND position <= ?',
          )
          .raw()
          .get(first, last) as [number, number];
        const found: VerifyFinding[] = [];
        if (rows[0] !== last - first)
          found.push(of('log', `positions ${first + 1} to ${last}: ${last - first - rows[0]} rows are missing`));
        if (rows[1] > 0) found.push(of('log', `positions ${first + 1} to ${last}: ${rows[1]} rows of series that are not there`));
        return { found, rows: rows[0], chunks: 0, readings: rows[0], after: last, isLast: last === numberOf('position') };
      }),

    /** Its calls belong together: nothing may change a chunk between them. */
    index: (after: Key | null): Turn & { after: Key } =>
      atOnce(() => {
        const lastId = numberOf('chunk');
        if (after === null) seen = new Uint8Array((lastId >> 3) + 1);
        const found: VerifyFinding[] = [];
        const end = Math.max(numberOf('sealed'), (db.prepare('SELECT max(position) FROM sealing').pluck().get() as number | null) ?? 0);
        return { ...eachRow(after ?? FIRST, (row) => indexRow(row, found, lastId, end)), found };
      }),
    /** After `index`: chunks that nothing refers to. */
    strays: (after: number): Turn & { after: number } =>
      atOnce(() => {
        const ids = idsAfter.all(after, IDS) as number[];
        const found = ids.filter((id) => !note(id)).map((id) => of('chunk', `chunk ${id} is in no row of the index`));
        return { found, rows: 0, chunks: ids.length, readings: 0, after: ids.at(-1) ?? after, isLast: ids.length < IDS };
      }),
    chunks: (after: Key | null): Turn & { after: Key } =>
      atOnce(() => {
        const found: VerifyFinding[] = [];
        return { ...eachRow(after ?? FIRST, (row) => chunksOf(row, found)), found };
      }),

    close(): void {
      db.close();
    },
  };
}
