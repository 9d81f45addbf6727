// The last values of a metric for a sparkline: at most 96 points over at most an hour. A young series keeps every value; as it grows
// points move apart by themselves, so memory and drawing stay bounded at any rate. Times in ms.
const MOST_POINTS = 96;
const SPAN_MS = 3_600_000;

export class RecentValues {
  readonly times: number[] = [];
  readonly values: number[] = [];
  #apartMs = 0;

  push(timeMs: number, value: number): void {
    const { times, values } = this;
    const last = times.length - 1;
    const lastMs = times[last];
    if (lastMs !== undefined) {
      if (timeMs < lastMs) return;
      const beforeMs = times[last - 1] ?? Number.NEGATIVE_INFINITY;
      if (timeMs - beforeMs < this.#apartMs) {
        // the newest point moves along until it is far enough from the one before
        times[last] = timeMs;
        values[last] = value;
        return;
      }
    }
    times.push(timeMs);
    values.push(value);
    if (times.length > MOST_POINTS) this.#thin(timeMs);
  }

  /** Puts history before what was already seen live. */
  seed(points: readonly (readonly [timeMs: number, value: number])[]): void {
    const seenFrom = this.times[0] ?? Number.POSITIVE_INFINITY;
    const live = this.times.map((timeMs, index): [number, number] => [timeMs, this.values[index] ?? 0]);
    this.times.length = 0;
    this.values.length = 0;
    for (const [timeMs, value] of points) if (timeMs < seenFrom) this.push(timeMs, value);
    // what comes live is spaced like what was there, or it would crowd at the right edge
    const spanMs = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
    if (points.length > 8) this.#apartMs = Math.max(this.#apartMs, spanMs / (points.length - 1));
    for (const [timeMs, value] of live) this.push(timeMs, value);
  }

  #thin(nowMs: number): void {
    let from = 0;
    while ((this.times[from] ?? nowMs) < nowMs - SPAN_MS) from++;
    if (from > 0) {
      this.times.splice(0, from);
      this.values.splice(0, from);
    }
    if (this.times.length <= MOST_POINTS) return;
    let kept = 0;
    for (let i = 0; i < this.times.length; i += 2) {
      this.times[kept] = this.times[i] ?? 0;
      this.values[kept] = this.values[i] ?? 0;
      kept++;
    }
    this.times.length = kept;
    this.values.length = kept;
    this.#apartMs = Math.max(this.#apartMs * 2, (nowMs - (this.times[0] ?? nowMs)) / MOST_POINTS);
  }
}
