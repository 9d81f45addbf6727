// The life of one serial port: opened, watched, reopened when it comes back, closed even when its driver hangs. What it says about itself
// is a condition: a state, the reason, and what mends it.

import { setTimeout as wait } from 'node:timers/promises';
import { type OpenPort, type PortLine, type PortOpener, type PortTrouble, portTrouble } from './port-line.ts';
import type { PortFrames } from './port-frames.ts';
import { CLOSED, cannotOpen, garbage, OPEN, OPENING, type PortCondition, STUCK, silent, UNPLUGGED } from './port-state.ts';
import { createPortWatch } from './port-watch.ts';

export interface PortTiming {
  readonly reopenMinMs: number;
  readonly reopenMaxMs: number;
  /** What was open for so long is tried again soon after it ends. */
  readonly steadyMs: number;
  readonly closeMs: number;
  readonly garbageMs: number;
  /** A silent port is not reopened more often. */
  readonly silentReopenMs: number;
}
export const PORT_TIMING: PortTiming = {
  reopenMinMs: 1000,
  reopenMaxMs: 30_000,
  steadyMs: 5000,
  closeMs: 5000,
  garbageMs: 60_000,
  silentReopenMs: 30_000,
};

export interface PortOptions {
  readonly line: PortLine;
  readonly expectEverySeconds: number | null;
  readonly open: PortOpener;
  /** Who else has it open. */
  readonly holdersOf: (path: string) => Promise<readonly string[]>;
  /** The path without links, when no other port here has it open; else its refusal. */
  readonly claim: (path: string) => PortTrouble | null;
  readonly release: () => void;
  readonly frames: PortFrames;
  readonly timing: PortTiming;
  readonly nowUs: () => number;
  changed(condition: PortCondition): void;
}

export interface Port {
  readonly condition: PortCondition;
  /** Could what came be read? null: it says nothing. */
  verdict(isGood: boolean | null): void;
  /** Once a second or so: looks whether it has grown silent. */
  tick(): void;
  /** Resolves when the port is let go, or is stuck. Idempotent. */
  close(): Promise<void>;
}

/** A sensor may be late by as much again. */
const SILENCE_FACTOR = 2;
/** Of what the folder says: a port appears in several steps. */
const SIGN_GAP_MS = 100;
/** So many bytes without one frame are a fault, though no framing has said so yet. */
const FAULT_BYTES = 4096;
/** No UART is faster than this; what is, comes from a test or a broken driver, and gets no more of the thread. */
const READ_SPAN_MS = 100;
const READ_SPAN_BYTES = 256 * 1024;

export function createPort(options: PortOptions): Port {
  const { line, frames, timing, nowUs } = options;
  const watch = createPortWatch(line.path, onSign);
  const silenceMs = options.expectEverySeconds === null ? Number.POSITIVE_INFINITY : options.expectEverySeconds * 1000 * SILENCE_FACTOR;

  let condition: PortCondition = OPENING;
  let current: OpenPort | null = null;
  let isOpening = false;
  let isOver = false;
  let backOffMs = timing.reopenMinMs;
  let retry: NodeJS.Timeout | null = null;
  let triedAtMs = 0;
  let openedAtMs = 0;
  let heardAtMs = 0;
  let reopenedAtMs = 0;
  let isLeaving = false;
  /** Since when nothing could be read of what came. */
  let unreadSinceMs: number | null = null;
  let unreadBytes = 0;
  let hasFault = false;
  let spanAtMs = 0;
  let spanBytes = 0;
  let throttle: NodeJS.Timeout | null = null;
  let letGo: Promise<void> = Promise.resolve();

  function become(next: PortCondition): void {
    if (next.state === condition.state && next.reason === condition.reason) return;
    condition = next;
    options.changed(next);
  }

  async function attempt(): Promise<void> {
    if (isOver || isOpening || current !== null) return;
    if (retry !== null) clearTimeout(retry);
    retry = null;
    isOpening = true;
    triedAtMs = performance.now();
    let opened: OpenPort | null = null;
    let hasEnded = false;
    try {
      const refusal = options.claim(line.path);
      if (refusal !== null) throw refusal;
      opened = await options.open(line, {
        bytes: (bytes) => heard(bytes),
        fault: () => frames.driverFault(),
        ended() {
          hasEnded = true;
          if (current !== null && current === opened && !isLeaving) ended();
        },
      });
    } catch (error) {
      options.release();
      const trouble = 'trouble' in (error as object) ? (error as PortTrouble) : portTrouble('failed', String(error));
      const holders = trouble.trouble === 'busy' ? await options.holdersOf(line.path) : [];
      isOpening = false;
      if (isOver) return;
      become(cannotOpen(trouble, holders));
      tryLater();
      return;
    }
    isOpening = false;
    current = opened;
    openedAtMs = heardAtMs = performance.now();
    if (isOver) letGo = leave();
    else if (hasEnded) ended();
    else if (condition.state !== 'silent') become(OPEN);
  }

  function tryLater(): void {
    watch.arm();
    if (retry !== null) clearTimeout(retry);
    retry = setTimeout(() => void attempt(), backOffMs);
    backOffMs = Math.min(backOffMs * 2, timing.reopenMaxMs);
  }

  /** Something happened where the port would appear. */
  function onSign(): void {
    if (isOver || isOpening || current !== null || condition.state === 'stuck') return;
    const sinceMs = performance.now() - triedAtMs;
    if (sinceMs >= SIGN_GAP_MS) void attempt();
    else {
      if (retry !== null) clearTimeout(retry);
      retry = setTimeout(() => void attempt(), SIGN_GAP_MS - sinceMs);
    }
  }

  function heard(bytes: Uint8Array): void {
    const atMs = performance.now();
    heardAtMs = atMs;
    if (condition.state === 'silent') become(OPEN);
    unreadSinceMs ??= atMs;
    unreadBytes += bytes.length;
    hold(bytes.length, atMs);
    frames.push(bytes, nowUs());
  }
  function hold(bytes: number, atMs: number): void {
    if (atMs - spanAtMs >= READ_SPAN_MS) {
      spanAtMs = atMs;
      spanBytes = 0;
    }
    spanBytes += bytes;
    if (spanBytes < READ_SPAN_BYTES || throttle !== null) return;
    current?.pause();
    throttle = setTimeout(
      () => {
        throttle = null;
        current?.resume();
      },
      READ_SPAN_MS - (atMs - spanAtMs),
    );
  }

  /** The port itself hung up. */
  function ended(): void {
    if (performance.now() - openedAtMs >= timing.steadyMs) backOffMs = timing.reopenMinMs;
    letGo = leave();
    if (isOver) return;
    if (condition.state !== 'stuck') become(UNPLUGGED);
    void letGo.then(() => {
      if (!isOver && current === null) tryLater();
    });
  }

  /** Lets the port go; the wait for a driver that hangs ends after a while, and what it held is tried again when it has let go. */
  async function leave(): Promise<void> {
    const leaving = current;
    if (leaving === null) return;
    if (throttle !== null) clearTimeout(throttle);
    throttle = null;
    isLeaving = true;
    wasRead();
    const closing = leaving.close().catch(() => frames.driverFault());
    frames.end(nowUs());
    const timeUp = new AbortController();
    const isStuck = await Promise.race([
      closing.then(() => false),
      wait(timing.closeMs, true, { signal: timeUp.signal }).catch(() => false),
    ]);
    timeUp.abort();
    if (isStuck) {
      become(STUCK);
      void closing.then(() => {
        gone();
        if (isOver) return;
        become(OPENING);
        tryLater();
      });
      return;
    }
    gone();
  }
  function gone(): void {
    options.release();
    current = null;
    isLeaving = false;
  }

  function wasRead(): void {
    unreadSinceMs = null;
    unreadBytes = 0;
    hasFault = false;
  }
  function isGarbage(): boolean {
    if (unreadSinceMs === null || heardAtMs - unreadSinceMs < timing.garbageMs) return false;
    return hasFault || unreadBytes >= FAULT_BYTES;
  }

  async function reopen(): Promise<void> {
    reopenedAtMs = performance.now();
    letGo = leave();
    await letGo;
    if (current === null) await attempt();
  }

  void attempt();
  return {
    get condition() {
      return condition;
    },
    verdict(isGood) {
      if (isGood === false) hasFault = true;
      else if (isGood === true || !hasFault) wasRead();
      if (isGood === true && condition.state === 'garbage') become(OPEN);
    },
    tick() {
      if (current === null || isOver || condition.state === 'stuck') return;
      const atMs = performance.now();
      if (atMs - heardAtMs >= silenceMs && condition.state !== 'silent') {
        become(silent(Math.round(silenceMs / 1000)));
        void reopen();
      } else if (condition.state === 'silent' && atMs - reopenedAtMs >= Math.max(silenceMs, timing.silentReopenMs)) void reopen();
      else if (condition.state === 'open' && isGarbage()) become(garbage(Math.round(timing.garbageMs / 1000), line.baudRate));
    },
    async close() {
      if (!isOver) {
        isOver = true;
        if (retry !== null) clearTimeout(retry);
        watch.close();
        if (current !== null && condition.state !== 'stuck') letGo = leave();
      }
      await letGo;
      if (condition.state !== 'stuck') become(CLOSED);
    },
  };
}
