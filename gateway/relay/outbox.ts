// What a subscriber has yet to take. Bounded: beyond a size, live readings are folded to the newest a series and its messages are no
// longer read. A little is with the socket, the rest waits here: what the socket has finished is progress, and a socket that finishes
// nothing for a while is closed, because progress and not size tells a slow reader from a dead one.

/** The socket, as the outbox needs it. */
export interface Sink {
  /** `taken` is called when the kernel has all of it. */
  send(text: string, taken: () => void): void;
  /** Stops and goes on reading what the subscriber says. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
export interface OutboxLimits {
  readonly outboxFoldBytes: number;
  readonly outboxResumeBytes: number;
  readonly outboxStallSeconds: number;
}
export interface OutboxOptions {
  readonly sink: Sink;
  readonly limits: OutboxLimits;
  /** Never jumps, as the wall clock does. */
  readonly steadyMs: () => number;
  /** There is room again for a further part of a snapshot or of what was missed. */
  readonly onRoom: () => void;
}

/** With the socket at once: small, so that a slow reader shows progress by it. */
const IN_FLIGHT_CHARACTERS = 16 * 1024;
const CUT_AFTER_CLOSE_MS = 2_000;
const OVERLOADED = 1013;

export class Outbox {
  readonly #options: OutboxOptions;
  #queue: string[] = [];
  #next = 0;
  #queued = 0;
  #inFlight = 0;
  #isFolding = false;
  #isPaused = false;
  #progressAtMs = 0;
  #closedAtMs = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Times the socket finished something: life. */
  taken = 0;

  send(text: string): void {
    if (this.#closedAtMs > 0) return;
    if (this.#waiting === 0) this.#progressAtMs = this.#options.steadyMs();
    this.#queue.push(text);
    this.#queued += text.length;
    this.#pump();
    if (!this.#isPaused && this.#waiting > this.#options.limits.outboxFoldBytes) {
      this.#isPaused = true;
      this.#options.sink.pause();
    }
  }

  /** True while live readings should be folded instead of sent. */
  get isFolding(): boolean {
    if (this.#isFolding) {
      if (this.hasRoom) this.#isFolding = false;
    } else if (this.#waiting > this.#options.limits.outboxFoldBytes) this.#isFolding = true;
    return this.#isFolding;
  }
  get hasRoom(): boolean {
    return this.#waiting <= this.#options.limits.outboxResumeBytes;
  }

  /** Often: closes a subscriber that has taken nothing for too long. */
  check(steadyMs: number): void {
    if (this.#closedAtMs > 0) {
      if (steadyMs - this.#closedAtMs >= CUT_AFTER_CLOSE_MS) this.#options.sink.terminate();
      return;
    }
    if (this.#waiting === 0 || steadyMs - this.#progressAtMs < this.#options.limits.outboxStallSeconds * 1000) return;
    this.#closedAtMs = steadyMs;
    this.#queue = [];
    this.#options.sink.close(OVERLOADED, 'nothing was taken');
  }

  get #waiting(): number {
    return this.#queued + this.#inFlight;
  }
  #pump(): void {
    while (this.#next < this.#queue.length && this.#inFlight < IN_FLIGHT_CHARACTERS) {
      const text = this.#queue[this.#next++];
      this.#queued -= text.length;
      this.#inFlight += text.length;
      this.#options.sink.send(text, () => this.#finished(text.length));
    }
    if (this.#next === this.#queue.length || this.#next > 1024) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
  }
  #finished(characters: number): void {
    this.#inFlight -= characters;
    this.#progressAtMs = this.#options.steadyMs();
    this.taken++;
    if (this.#closedAtMs > 0) return;
    this.#pump();
    if (!this.hasRoom) return;
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#options.sink.resume();
    }
    this.#options.onRoom();
  }
}
