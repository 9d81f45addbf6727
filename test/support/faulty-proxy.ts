// A TCP proxy between devices and the gateway whose links can be slowed, sliced, stalled, cut in the middle and left half open. What
// passes is not looked at, so TLS goes through as it is. `up` is towards the gateway.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Way = 'up' | 'down';

/** One connection. Faults of a link that is over do nothing. */
export interface FaultyLink {
  readonly index: number;
  /** Bytes that came in for this way so far, forwarded or not. */
  bytes(way: Way): number;
  /** Everything on this way arrives this much later; 0 heals it. */
  delay(way: Way, delayMs: number): void;
  /** The next `count` writes on this way carry no more than `sliceBytes` each, and are segments of their own. */
  slice(way: Way, sliceBytes: number, count: number): void;
  /** Nothing passes on this way until `resume`; the sender sees a full window. */
  stall(way: Way): void;
  resume(way: Way): void;
  /** Lets `bytes` more pass on this way, then resets both sides. */
  truncate(way: Way, bytes: number): void;
  /** A pulled cable: nothing passes any more, either way, and neither side hears that the other has ended. */
  halfOpen(): void;
  /** The receiving side of this way gets a FIN, the sender hears nothing of it; the other way goes on. */
  finish(way: Way): void;
  /** RST to both sides. */
  reset(): void;
}

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** Links that were opened so far. */
  readonly count: number;
  /** Takes every fault from the links that are open, and cuts those that are half open. */
  heal(): void;
  /** Resets every link. */
  resetAll(): void;
}

export interface FaultyProxyOptions {
  /** Called again for each connection: a gateway that was restarted may listen elsewhere. */
  readonly port: () => number;
  /** Told of a link before its first byte, and again after every chunk that came in. */
  readonly onLink?: (link: FaultyLink) => void;
  readonly onBytes?: (link: FaultyLink) => void;
}

/** Bytes held for one way before the sender is no longer read. */
const HELD_BYTES = 256 * 1024;

export async function openFaultyProxy({ port, onLink, onBytes }: FaultyProxyOptions): Promise<FaultyProxy> {
  const links = new Set<OpenLink>();
  let count = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const link = openLink({ near, far, index: count++, onBytes, onOver: () => links.delete(link) });
    links.add(link);
    onLink?.(link);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get count() {
      return count;
    },
    heal() {
      for (const link of [...links]) link.heal();
    },
    resetAll() {
      for (const link of [...links]) link.reset();
    },
    async [Symbol.asyncDispose]() {
      for (const link of [...links]) link.reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface OpenLink extends FaultyLink {
  heal(): void;
}
interface LinkParts {
  readonly near: Socket;
  readonly far: Socket;
  readonly index: number;
  readonly onBytes: ((link: FaultyLink) => void) | undefined;
  readonly onOver: () => void;
}

function openLink({ near, far, index, onBytes, onOver }: LinkParts): OpenLink {
  let isCut = false;
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    up.stop();
    down.stop();
    onOver();
  };
  const reset = (): void => {
    if (isOver) return;
    over();
    near.resetAndDestroy();
    far.resetAndDestroy();
  };
  const up = openWay(near, far, reset);
  const down = openWay(far, near, reset);
  const wayOf = (way: Way): OpenWay => (way === 'up' ? up : down);
  for (const [socket, way] of [
    [near, up],
    [far, down],
  ] as const) {
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      way.take(data);
      onBytes?.(link);
    });
    socket.on('end', () => way.takeEnd());
    socket.on('close', (hadError) => {
      if (near.destroyed && far.destroyed) over();
      // a cut link keeps the other side up: it has to find out by itself
      else if (hadError && !isCut) reset();
    });
  }
  const link: OpenLink = {
    index,
    bytes: (way) => wayOf(way).bytes,
    delay: (way, delayMs) => wayOf(way).setDelay(delayMs),
    slice: (way, sliceBytes, times) => wayOf(way).setSlice(sliceBytes, times),
    stall: (way) => wayOf(way).stall(true),
    resume: (way) => wayOf(way).stall(isCut),
    truncate: (way, bytes) => wayOf(way).truncate(bytes),
    halfOpen() {
      isCut = true;
      up.stall(true);
      down.stall(true);
    },
    finish(way) {
      const target = way === 'up' ? far : near;
      wayOf(way).mute();
      target.end();
    },
    reset,
    heal() {
      if (isCut || up.isMute || down.isMute) {
        reset();
        return;
      }
      for (const way of [up, down]) way.heal();
    },
  };
  return link;
}

interface OpenWay {
  readonly bytes: number;
  readonly isMute: boolean;
  take(data: Buffer): void;
  takeEnd(): void;
  setDelay(delayMs: number): void;
  setSlice(sliceBytes: number, count: number): void;
  stall(isStalled: boolean): void;
  truncate(bytes: number): void;
  /** Swallows everything from now on. */
  mute(): void;
  heal(): void;
  stop(): void;
}

/** What came from `from` waits in a queue until it is due, and leaves by `to`; null is the FIN. */
function openWay(from: Socket, to: Socket, onTruncated: () => void): OpenWay {
  let queue: { readonly dueAtMs: number; readonly data: Buffer | null }[] = [];
  let heldBytes = 0;
  let bytes = 0;
  let delayMs = 0;
  let sliceBytes = 0;
  let slices = 0;
  let leftBytes = Number.POSITIVE_INFINITY;
  let isStalled = false;
  let isMute = false;
  let isBlocked = false;
  let timer: NodeJS.Timeout | NodeJS.Immediate | null = null;

  const later = (waitMs: number): void => {
    if (timer !== null) return;
    const run = (): void => {
      timer = null;
      forward();
    };
    timer = waitMs > 0 ? setTimeout(run, waitMs) : setImmediate(run);
  };
  function forward(): void {
    while (!isStalled && !isMute && !isBlocked && timer === null) {
      const first = queue[0];
      if (first === undefined) break;
      const waitMs = first.dueAtMs - performance.now();
      if (waitMs > 0) return later(waitMs);
      if (first.data === null) {
        queue.shift();
        to.end();
        continue;
      }
      const size = Math.min(first.data.length, leftBytes, slices > 0 ? sliceBytes : first.data.length);
      if (size > 0) write(first.data.subarray(0, size));
      if (size === first.data.length) queue.shift();
      else queue[0] = { dueAtMs: first.dueAtMs, data: first.data.subarray(size) };
      leftBytes -= size;
      if (leftBytes <= 0) {
        onTruncated();
        return;
      }
      // the next slice leaves in a turn of its own, and so in a segment of its own
      if (slices > 0 && --slices > 0) later(0);
    }
    if (heldBytes < HELD_BYTES / 2) from.resume();
  }
  function write(data: Buffer): void {
    heldBytes -= data.length;
    if (to.destroyed || to.writableEnded) return;
    if (to.write(data)) return;
    isBlocked = true;
    to.once('drain', () => {
      isBlocked = false;
      forward();
    });
  }
  const take = (data: Buffer | null): void => {
    if (isMute) return;
    queue.push({ dueAtMs: performance.now() + delayMs, data });
    if (heldBytes > HELD_BYTES) from.pause();
    forward();
  };
  return {
    get bytes() {
      return bytes;
    },
    get isMute() {
      return isMute;
    },
    take(data) {
      bytes += data.length;
      heldBytes += data.length;
      take(data);
    },
    takeEnd: () => take(null),
    setDelay(ms) {
      delayMs = ms;
    },
    setSlice(size, times) {
      sliceBytes = size;
      slices = times;
    },
    stall(is) {
      isStalled = is;
      forward();
    },
    truncate(size) {
      leftBytes = size;
      forward();
    },
    mute() {
      isMute = true;
      queue = [];
      heldBytes = 0;
      from.resume();
    },
    heal() {
      delayMs = slices = 0;
      leftBytes = Number.POSITIVE_INFINITY;
      isStalled = false;
      forward();
    },
    stop() {
      isMute = true;
      queue = [];
      if (timer !== null) {
        clearTimeout(timer as NodeJS.Timeout);
        clearImmediate(timer as NodeJS.Immediate);
      }
    },
  };
}
