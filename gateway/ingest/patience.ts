// How many messages of a session may be of no use in a minute before it is closed; by a clock that never jumps.

export interface PatienceLimits {
  readonly unreadablePerMinute: number;
  readonly unknownPerMinute: number;
}
/** Each call counts one message; false: that was one too many. */
export interface Patience {
  withUnreadable(): boolean;
  withUnknown(): boolean;
}

const MINUTE_MS = 60_000;

export function createPatience(limits: PatienceLimits): Patience {
  return new MinuteWindow(limits);
}

/** One for every session. */
class MinuteWindow implements Patience {
  readonly #limits: PatienceLimits;
  #beganMs = Number.NEGATIVE_INFINITY;
  #unreadable = 0;
  #unknown = 0;

  constructor(limits: PatienceLimits) {
    this.#limits = limits;
  }
  withUnreadable(): boolean {
    this.#turn();
    return ++this.#unreadable <= this.#limits.unreadablePerMinute;
  }
  withUnknown(): boolean {
    this.#turn();
    return ++this.#unknown <= this.#limits.unknownPerMinute;
  }
  #turn(): void {
    const nowMs = performance.now();
    if (nowMs - this.#beganMs < MINUTE_MS) return;
    this.#beganMs = nowMs;
    this.#unreadable = this.#unknown = 0;
  }
}
