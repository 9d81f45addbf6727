// What a subscriber has yet to take. Bounded: beyond a size, live readings are folded to the newest a series; a socket that takes
// nothing for a while is closed, because progress and not size tells a slow reader from a dead one.

/** The socket, as the outbox needs it. */
export interface Sink {
  send(text: string): void;
  /** Bytes handed over and not yet taken by the kernel. */
  readonly bufferedBytes: number;
  /** Bytes the kernel has taken since the start: progress. */
  readonly takenBytes: number;
  close(code: number, reason: string): void;
  terminate(): void;
}
export interface OutboxLimits {
  readonly outboxFoldBytes: number;
  readonly outboxResumeBytes: number;
  readonly outboxStallSeconds: number;
}

const CUT_AFTER_CLOSE_MS = 2_000;
const OVERLOADED = 1013;

export class Outbox {
  readonly #sink: Sink;
  readonly #limits: OutboxLimits;
  #isFolding = false;
  #taken = 0;
  #waitingSinceMs = 0;
  #closedAtMs = 0;

  constructor(sink: Sink, limits: OutboxLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  send(text: string): void {
    if (this.#closedAtMs === 0) this.#sink.send(text);
  }

  /** True while live readings should be folded instead of sent. */
  get isFolding(): boolean {
    const waiting = this.#sink.bufferedBytes;
    if (this.#isFolding) {
      if (waiting <= this.#limits.outboxResumeBytes) this.#isFolding = false;
    } else if (waiting > this.#limits.outboxFoldBytes) this.#isFolding = true;
    return this.#isFolding;
  }
  /** Room for a further part of a snapshot or of what was missed. */
  get hasRoom(): boolean {
    return this.#sink.bufferedBytes <= this.#limits.outboxResumeBytes;
  }

  /** Once a second or oftener: closes a subscriber that has taken nothing for too long. */
  check(nowMs: number): void {
    if (this.#closedAtMs > 0) {
      if (nowMs - this.#closedAtMs >= CUT_AFTER_CLOSE_MS) this.#sink.terminate();
      return;
    }
    const taken = this.#sink.takenBytes;
    if (this.#sink.bufferedBytes === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#waitingSinceMs = nowMs;
    } else if (nowMs - this.#waitingSinceMs >= this.#limits.outboxStallSeconds * 1000) {
      this.#closedAtMs = nowMs;
      this.#sink.close(OVERLOADED, 'nothing was taken');
    }
  }
}
