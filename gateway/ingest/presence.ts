// Which devices are connected, since when, and when each was last heard: for the API, the live snapshot and the metrics.

export interface OpenConnection {
  readonly address: string;
  readonly connectedAtMs: number;
  readonly stream: string | null;
  readonly software: string | null;
  readonly roundTripMs: number | null;
  readonly inFlight: number;
}

export interface Presence {
  isOnline(device: string): boolean;
  /** Epoch ms of the last frame or connection; null when never seen. */
  lastSeenMs(device: string): number | null;
  /** The open connection, or null. */
  connection(device: string): OpenConnection | null;
  readonly onlineCount: number;
}
