// How far back the log is kept for subscribers that resume by cursor: a number of readings and a time, whichever is more.

export interface ReplayBounds {
  readonly rows: number;
  readonly ms: number;
}

export interface ReplayWindow {
  /** Now and then: where the log ends at this time. */
  note(position: number, nowMs: number): void;
  /** Up to and with this position nobody needs the log for replay. */
  endsAt(position: number, nowMs: number): number;
}

/** A mark so often: what is beyond the window by less stays. */
const MARK_MS = 10_000;

/** What was there at the start counts as new then. */
export function createReplayWindow({ rows, ms }: ReplayBounds, position: number, nowMs: number): ReplayWindow {
  let marks = [{ position, atMs: nowMs }];
  return {
    note(at, atMs) {
      const last = marks.at(-1);
      // a clock that was set back begins anew; what was marked with the old time would never be old
      if (last !== undefined && atMs < last.atMs) marks = [{ position: at, atMs }];
      else if (last === undefined || atMs - last.atMs >= MARK_MS) marks.push({ position: at, atMs });
      while (marks.length > 1 && atMs - (marks[1] as { atMs: number }).atMs >= ms) marks.shift();
    },
    endsAt(at, atMs) {
      const oldest = marks[0];
      if (oldest === undefined || atMs - oldest.atMs < ms) return 0;
      return Math.min(oldest.position, at - rows);
    },
  };
}
