// What a subscriber says, taken no faster than it may speak and only while there is room for the answers. A paused socket still delivers
// what was read before: that waits here, and it is no more than one read of the socket.

export interface LiveIntake {
  /** A message of the socket. */
  push(message: Buffer): void;
  /** There is no room for answers now, or there is again. */
  block(): void;
  unblock(): void;
  /** The connection is over. */
  close(): void;
}
export interface LiveIntakeOptions {
  /** Messages a second, and at once after a silence. */
  readonly perSecond: number;
  /** Never jumps. */
  readonly steadyMs: () => number;
  take(message: Buffer): void;
  /** Stops and goes on reading the socket. */
  pause(): void;
  resume(): void;
}

export function createLiveIntake({ perSecond, steadyMs, take, pause, resume }: LiveIntakeOptions): LiveIntake {
  let waiting: Buffer[] = [];
  let next = 0;
  let allowance = perSecond;
  let filledMs = steadyMs();
  let isBlocked = false;
  let isPaused = false;
  let isOver = false;
  let timer: NodeJS.Timeout | null = null;

  function work(): void {
    timer = null;
    const atMs = steadyMs();
    allowance = Math.min(perSecond, allowance + ((atMs - filledMs) * perSecond) / 1000);
    filledMs = atMs;
    while (!isOver && !isBlocked && allowance >= 1 && next < waiting.length) {
      allowance--;
      take(waiting[next++] as Buffer);
    }
    if (next === waiting.length) {
      waiting = [];
      next = 0;
    }
    if (isOver) return;
    const mustWait = isBlocked || waiting.length > 0;
    if (mustWait !== isPaused) {
      isPaused = mustWait;
      if (mustWait) pause();
      else resume();
    }
    if (waiting.length > 0 && !isBlocked) timer = setTimeout(work, Math.ceil(((1 - allowance) * 1000) / perSecond));
  }

  return {
    push(message) {
      waiting.push(message);
      if (timer === null && !isBlocked) work();
    },
    block() {
      isBlocked = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (isPaused || isOver) return;
      isPaused = true;
      pause();
    },
    unblock() {
      isBlocked = false;
      if (timer === null && !isOver) work();
    },
    close() {
      isOver = true;
      waiting = [];
      next = 0;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
