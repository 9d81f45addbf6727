// All series in memory, by number, name and pattern, with each one's latest reading. The ingest gives new series their numbers here;
// the API and the relay look names up. (Signatures first; the body is being written.)
import type { Value } from '../protocol/messages.ts';
import type { SeriesRow } from '../storage/store.ts';

export interface LatestReading {
  readonly timeUs: number;
  readonly value: Value;
}

export interface Catalogue {
  readonly store: string;
  /** Highest committed position the catalogue has seen. */
  readonly position: number;
  series(id: number): SeriesRow | undefined;
  ofDevice(device: string): readonly SeriesRow[];
  /** Series whose device and metric match one pattern each (`*` matches any run of characters; everything else is literal). */
  match(devices: readonly string[], metrics: readonly string[]): readonly SeriesRow[];
  latest(id: number): LatestReading | undefined;
}
