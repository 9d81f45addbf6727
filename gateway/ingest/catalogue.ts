// All series in memory, by number, name and pattern, with each one's latest reading. The ingest gives new series their numbers here;
// the API and the relay look names up.
export interface SeriesInfo {
  readonly id: number;
  readonly device: string;
  readonly metric: string;
  readonly unit: string;
}
