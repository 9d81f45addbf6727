// What an operator sees of the inside: log lines and named counters. Passed in, never global.

/** Fields first, then the sentence. Values from devices are escaped by the writer. Secrets never come here. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A number that only rises. `add` costs one addition: the hot path may call it. */
export interface Counter {
  add(n?: number): void;
  readonly value: number;
}

/** Counts by one label, for instance refusals by code. The label's values come from our own tables, never from a peer. */
export interface CounterFamily {
  add(label: string, n?: number): void;
  value(label: string): number;
}

/** Observations of a duration, for percentiles over the last minute and a Prometheus histogram. Milliseconds. */
export interface Timing {
  observe(ms: number): void;
  /** p in 0…1 over the recent window; NaN when nothing came. */
  percentile(p: number): number;
}

export interface Observe {
  readonly log: Log;
  counter(name: string, help: string): Counter;
  counterBy(name: string, help: string, label: string): CounterFamily;
  timing(name: string, help: string): Timing;
  /** `read` is called at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** One gauge with labels; `read` gives its values at each scrape, and what it gives no more is gone. */
  gaugeBy(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Iterable<readonly [values: readonly string[], value: number]>,
  ): void;
  /** Everything above in Prometheus text format. */
  metrics(): Promise<string>;
}
