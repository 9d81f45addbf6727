// Notices a gateway that is gone although TCP still believes in it: not even a ping has come for longer than two rounds take.

export interface SilenceWatch {
  readonly limitMs: number;
  readonly nowMs: () => number;
  /** When anything last came. */
  readonly heardAtMs: () => number;
  /** The connection's own timer: it ends with the connection. */
  readonly arm: (delayMs: number, run: () => void) => void;
  readonly onSilence: () => void;
}

const LATE_MS = 2_000;

export function watchSilence({ limitMs, nowMs, heardAtMs, arm, onSilence }: SilenceWatch): void {
  const wait = (delayMs: number): void => {
    const dueAtMs = nowMs() + delayMs;
    arm(delayMs, () => look(dueAtMs));
  };
  const look = (dueAtMs: number): void => {
    const quietMs = nowMs() - heardAtMs();
    // A timer that comes late means that this side stood still: what has arrived meanwhile is read first.
    const isLate = nowMs() - dueAtMs > LATE_MS;
    if (quietMs >= limitMs && !isLate) onSilence();
    else wait(Math.max(LATE_MS, limitMs - quietMs));
  };
  wait(limitMs);
}
