// Reads `fieldgate.db` as the oracle wants it, without any gateway: for files that were tampered with, or cut off from their power.

import path from 'node:path';
import Database from 'better-sqlite3';
import type { StoredBook, StoredDevice, StoredReading } from '../../device-sim/stored-device.ts';
import type { Value } from '../../gateway/protocol/messages.ts';
import { decodeChunks } from '../../gateway/storage/chunk-codec.ts';
import { unpackEntries } from '../../gateway/storage/chunk-entries.ts';
import { valueAt } from '../../gateway/storage/chunk-merge.ts';
import { unpackCounts } from '../../gateway/storage/frame-run.ts';

export interface StoredFile extends Disposable {
  /** The store's incarnation. */
  readonly store: string;
  /** Everybody who has a stream or a series in it. */
  readonly devices: readonly string[];
  device(id: string): StoredDevice;
}

type LogRow = [position: number, series: number, timeUs: number, value: number | string, isBoolean: number];
interface StreamRow {
  readonly id: number;
  readonly stream: string;
  readonly acked: number;
  readonly stored: number;
  readonly quarantined: number;
  readonly gaps: number;
  readonly readings: number;
  readonly refused: number;
  readonly evicted: number;
  readonly discarded: number;
  readonly folded_stored: number;
  readonly folded_quarantined: number;
  readonly folded_readings: number;
}
type RunRow = [firstSeq: number, lastSeq: number, position: number, readings: number, counts: Buffer | null];

/** `data` is the data directory, or the file. */
export function openStoredReadings(data: string): StoredFile {
  const db = new Database(data.endsWith('.db') ? data : path.join(data, 'fieldgate.db'), { readonly: true, fileMustExist: true });
  const all = <Row>(sql: string, ...ask: unknown[]): Row[] => db.prepare<unknown[], Row>(sql).all(...ask);
  const raw = <Row>(sql: string, ...ask: unknown[]): Row[] =>
    db
      .prepare(sql)
      .raw()
      .all(...ask) as Row[];
  const meta = (key: string): string | undefined => raw<[string]>('SELECT content FROM meta WHERE key = ?', key)[0]?.[0];
  return {
    store: meta('store')!,
    devices: raw<[string]>('SELECT device FROM streams UNION SELECT device FROM series ORDER BY 1').map(([device]) => device),
    // at one moment of the file: a gateway may be sealing and trimming it
    device: db.transaction((id: string): StoredDevice => {
      const series = new Map(
        all<{ id: number; metric: string; unit: string }>('SELECT id, metric, unit FROM series WHERE device = ?', id).map((row) => [
          row.id,
          row,
        ]),
      );
      const rows = raw<LogRow>(
        `SELECT position, series, time_us, value, typeof(value) = 'integer' FROM log
         WHERE series IN (SELECT id FROM series WHERE device = ?) ORDER BY position`,
        id,
      );
      const logged = rows.map(([position, at, timeUs, value, isBoolean]): StoredReading => {
        const { metric, unit } = series.get(at)!;
        return { metric, unit, timeUs, value: isBoolean ? value === 1 : value, position };
      });
      const readings = [...[...series.keys()].flatMap((at) => sealedOnly(at, rows, series.get(at)!)), ...logged];
      const streams = all<StreamRow>(
        `SELECT id, stream, acked, frames_stored AS stored, frames_quarantined AS quarantined, frames_gap AS gaps, readings, refused, evicted, discarded,
         folded_stored, folded_quarantined, folded_readings FROM streams WHERE device = ?`,
        id,
      );
      const positions = rows.map(([position]) => position);
      return {
        device: id,
        readings,
        quarantine: all(
          `SELECT s.stream, q.seq, nullif(q.record, -1) AS "index" FROM quarantine q JOIN streams s ON s.id = q.stream
           WHERE q.device = ? ORDER BY q.id`,
          id,
        ),
        books: streams.map((row) => bookOf(row)),
        recount: streams.map((row) => bookOf({ ...row, ...recounted(row) })),
        gaps: all(
          'SELECT s.stream, g.first_seq AS "from", g.last_seq AS "to" FROM gaps g JOIN streams s ON s.id = g.stream WHERE s.device = ?',
          id,
        ),
      };

      /** What is in chunks and not in the log any more; the order of its commits is not kept. */
      function sealedOnly(at: number, rows: readonly LogRow[], { metric, unit }: { metric: string; unit: string }): StoredReading[] {
        const inBoth = new Map<string, number>();
        const mark = Math.max(Number(meta('sealed') ?? 0), raw<[number]>('SELECT position FROM sealing WHERE series = ?', at)[0]?.[0] ?? 0);
        const keyOf = (timeUs: number, value: Value): string => `${timeUs} ${typeof value} ${Object.is(value, -0) ? '-0' : value}`;
        for (const [position, of, timeUs, value, isBoolean] of rows) {
          if (of !== at || position > mark) continue;
          const key = keyOf(timeUs, isBoolean ? value === 1 : value);
          inBoth.set(key, (inBoth.get(key) ?? 0) + 1);
        }
        const found: StoredReading[] = [];
        for (const [packed] of raw<[Buffer]>('SELECT entries FROM chunk_index WHERE series = ? ORDER BY start_us, number', at)) {
          const ids = unpackEntries(packed).map(({ id }) => id);
          const contents = ids.map((id) => raw<[Buffer]>('SELECT content FROM chunks WHERE id = ?', id)[0]![0]);
          for (const one of decodeChunks(contents)) {
            if (one.outcome === 'damaged') throw new Error(`a chunk of series ${at} is damaged: ${one.what}`);
            for (let i = 0; i < one.readings.count; i++) {
              const [timeUs, value] = [one.readings.timeUs[i]!, valueAt(one.readings, i)];
              const left = inBoth.get(keyOf(timeUs, value)) ?? 0;
              if (left > 0) inBoth.set(keyOf(timeUs, value), left - 1);
              else found.push({ metric, unit, timeUs, value, position: null });
            }
          }
        }
        return found;
      }

      function recounted({ id: stream, evicted, discarded, ...folded }: StreamRow): Omit<StoredBook, 'stream' | 'settled' | 'unexplained'> {
        // what the rows said that went with the log's, up to the frame that they went with
        const [stored, quarantined] = [folded.folded_stored, folded.folded_quarantined];
        const sums = { acked: 0, stored, quarantined, gaps: 0, readings: folded.folded_readings, refused: 0 };
        const runs = raw<RunRow>('SELECT first_seq, last_seq, first_position, readings, counts FROM frames WHERE stream = ?', stream);
        for (const [firstSeq, lastSeq, first, size, counts] of runs) {
          for (const one of unpackCounts(counts, lastSeq - firstSeq + 1, size)) {
            if (one > 0) sums.stored++;
            else sums.quarantined++;
          }
          sums.readings += before(positions, first + size) - before(positions, first);
          sums.acked = Math.max(sums.acked, lastSeq);
        }
        for (const [from, to] of raw<[number, number]>('SELECT first_seq, last_seq FROM gaps WHERE stream = ?', stream)) {
          sums.gaps += to - from + 1;
          sums.acked = Math.max(sums.acked, to);
        }
        sums.acked = Math.max(sums.acked, sums.stored + sums.quarantined + sums.gaps);
        sums.refused = raw('SELECT 1 FROM quarantine WHERE stream = ? AND seq > 0', stream).length + evicted + discarded;
        return sums;
      }
    }),
    [Symbol.dispose]: () => {
      db.close();
    },
  };
}

function bookOf({ stream, acked, stored, quarantined, gaps, readings, refused, evicted, discarded }: StreamRow): StoredBook {
  const row = { stream, acked, stored, quarantined, gaps, readings, refused, evicted, discarded };
  return { ...row, settled: row.acked, unexplained: row.acked - row.stored - row.quarantined - row.gaps };
}

/** How many of the rising positions are below `position`. */
function before(positions: readonly number[], position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
