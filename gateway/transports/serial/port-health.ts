// Two watches over what comes from a port: whether it can be read at all, and whether it comes faster than any wire brings it.

export interface UnreadWatch {
  heard(bytes: number, atMs: number): void;
  /** Could a frame be read? null: it says nothing. */
  verdict(isGood: boolean | null): void;
  reset(): void;
  /** For so long bytes came, and nothing could be read of them. */
  isGarbage(forMs: number): boolean;
}

/** So many bytes without one frame are a fault, though no framing has said so yet. */
const FAULT_BYTES = 4096;

export function createUnreadWatch(): UnreadWatch {
  let sinceMs: number | null = null;
  let lastMs = 0;
  let bytes = 0;
  let hasFault = false;

  function reset(): void {
    sinceMs = null;
    bytes = 0;
    hasFault = false;
  }
  return {
    heard(more, atMs) {
      sinceMs ??= atMs;
      lastMs = atMs;
      bytes += more;
    },
    verdict(isGood) {
      if (isGood === false) hasFault = true;
      else if (isGood === true || !hasFault) reset();
    },
    reset,
    isGarbage: (forMs) => sinceMs !== null && lastMs - sinceMs >= forMs && (hasFault || bytes >= FAULT_BYTES),
  };
}

export interface ReadBrake {
  /** So many bytes were read; pauses the port when that is too much for the moment. */
  heard(bytes: number, atMs: number): void;
  release(): void;
}

/** No UART is faster than this; what is, comes from a test or a broken driver, and gets no more of the thread. */
const SPAN_MS = 100;
const SPAN_BYTES = 256 * 1024;

export function createReadBrake(port: { pause(): void; resume(): void }): ReadBrake {
  let spanAtMs = 0;
  let spanBytes = 0;
  let timer: NodeJS.Timeout | null = null;
  return {
    heard(bytes, atMs) {
      if (atMs - spanAtMs >= SPAN_MS) {
        spanAtMs = atMs;
        spanBytes = 0;
      }
      spanBytes += bytes;
      if (spanBytes < SPAN_BYTES || timer !== null) return;
      port.pause();
      timer = setTimeout(
        () => {
          timer = null;
          port.resume();
        },
        SPAN_MS - (atMs - spanAtMs),
      );
    },
    release() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
