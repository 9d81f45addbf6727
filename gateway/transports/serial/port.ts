// The life of one serial port: opened, watched, reopened when it comes back, closed even when its driver hangs. What it says about itself
// is a condition: a state, the reason, and what mends it.

import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type OpenPort, type PortLine, type PortOpener, type PortTrouble, portTrouble } from './port-line.ts';
import type { PortFrames } from './port-frames.ts';
import { CLOSED, cannotOpen, garbage, OPEN, OPENING, type PortCondition, STUCK, silent, UNPLUGGED } from './port-state.ts';
import { createReadBrake, createUnreadWatch } from './port-health.ts';
import { createPortWatch } from './port-watch.ts';

export interface PortTiming {
  readonly reopenMinMs: number;
  readonly reopenMaxMs: number;
  /** At most, for a port that hung up and is there. */
  readonly hungUpMs: number;
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
  hungUpMs: 3000,
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
/** A port appears in several steps, each of which is a sign; one that somebody else writes to gives signs all the time. */
const SIGN_GAP_MS = 100;
const FAILED_SIGN_GAP_MS = 2000;

export function createPort(options: PortOptions): Port {
  const { line, frames, timing, nowUs } = options;
  const watch = createPortWatch(line.path, onSign);
  const unread = createUnreadWatch();
  const brake = createReadBrake({ pause: () => current?.pause(), resume: () => current?.resume() });
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
  let trying: Promise<void> = Promise.resolve();
  let letGo: Promise<void> = Promise.resolve();

  function become(next: PortCondition): void {
    if (next.state === condition.state && next.reason === condition.reason) return;
    condition = next;
    options.changed(next);
  }

  function tryNow(): Promise<void> {
    if (!isOver && !isOpening && current === null) trying = attempt();
    return trying;
  }
  async function attempt(): Promise<void> {
    if (retry !== null) clearTimeout(retry);
    retry = null;
    isOpening = true;
    triedAtMs = performance.now();
    let opened: OpenPort | null = null;
    let hasEnded = false;
    const refusal = options.claim(line.path);
    try {
      if (refusal !== null) throw refusal;
      opened = await options.open(line, {
        bytes: (bytes) => heard(bytes),
        fault(_message, code) {
          frames.driverFault(code);
          if (code === 'line-error') damaged();
        },
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
      tryLater(refusal?.trouble === 'absent' ? SIGN_GAP_MS : timing.reopenMaxMs);
      return;
    }
    isOpening = false;
    current = opened;
    openedAtMs = heardAtMs = performance.now();
    if (isOver) letGo = leave();
    else if (hasEnded) ended();
    else {
      if (condition.state !== 'silent') become(OPEN);
      frames.begin((bytes) => opened.write(bytes));
    }
  }

  /** `thereMs`: how long to wait at most when the path is there by now. What came before the folders were watched gave no sign. */
  function tryLater(thereMs: number): void {
    watch.arm();
    if (retry !== null) clearTimeout(retry);
    retry = setTimeout(() => void tryNow(), existsSync(line.path) ? Math.min(backOffMs, thereMs) : backOffMs);
    backOffMs = Math.min(backOffMs * 2, timing.reopenMaxMs);
  }

  /** Something happened where the port would appear. */
  function onSign(): void {
    if (isOver || isOpening || current !== null || condition.state === 'stuck') return;
    const sinceMs = performance.now() - triedAtMs;
    const gapMs = condition.state === 'failed' ? FAILED_SIGN_GAP_MS : SIGN_GAP_MS;
    if (sinceMs >= gapMs) void tryNow();
    else {
      if (retry !== null) clearTimeout(retry);
      retry = setTimeout(() => void tryNow(), gapMs - sinceMs);
    }
  }

  function heard(bytes: Uint8Array): void {
    const atMs = performance.now();
    heardAtMs = atMs;
    if (condition.state === 'silent') become(OPEN);
    unread.heard(bytes.length, atMs);
    brake.heard(bytes.length, atMs);
    frames.push(bytes, nowUs());
  }

  /** A byte came, and nobody can say which: at a wrong speed all may be so. */
  function damaged(): void {
    const atMs = performance.now();
    heardAtMs = atMs;
    if (condition.state === 'silent') become(OPEN);
    unread.heard(1, atMs);
    unread.verdict(false);
  }

  /** The port itself hung up. */
  function ended(): void {
    if (performance.now() - openedAtMs >= timing.steadyMs) backOffMs = timing.reopenMinMs;
    letGo = leave();
    if (isOver) return;
    if (condition.state !== 'stuck') become(UNPLUGGED);
    void letGo.then(() => {
      if (!isOver && current === null) tryLater(timing.hungUpMs);
    });
  }

  /** Lets the port go; the wait for a driver that hangs ends after a while, and what it held is tried again when it has let go. */
  async function leave(): Promise<void> {
    const leaving = current;
    if (leaving === null) return;
    brake.release();
    unread.reset();
    isLeaving = true;
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
        tryLater(timing.reopenMinMs);
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

  async function reopen(): Promise<void> {
    reopenedAtMs = performance.now();
    letGo = leave();
    await letGo;
    await tryNow();
  }

  void tryNow();
  return {
    get condition() {
      return condition;
    },
    verdict(isGood) {
      unread.verdict(isGood);
      if (isGood === true && condition.state === 'garbage') become(OPEN);
    },
    tick() {
      if (current === null || isOver || condition.state === 'stuck') return;
      const atMs = performance.now();
      if (atMs - heardAtMs >= silenceMs && condition.state !== 'silent') {
        become(silent(Math.round(silenceMs / 1000)));
        void reopen();
      } else if (condition.state === 'silent' && atMs - reopenedAtMs >= Math.max(silenceMs, timing.silentReopenMs)) void reopen();
      else if (condition.state === 'open' && unread.isGarbage(timing.garbageMs))
        become(garbage(Math.round(timing.garbageMs / 1000), line.baudRate));
    },
    async close() {
      if (!isOver) {
        isOver = true;
        if (retry !== null) clearTimeout(retry);
        watch.close();
        await trying;
        if (current !== null && condition.state !== 'stuck') letGo = leave();
      }
      await letGo;
      if (condition.state !== 'stuck') become(CLOSED);
    },
  };
}
