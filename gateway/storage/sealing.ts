// When the log is sealed: as soon as it is large, or its oldest readings are old, a round after the other. A round goes in slices between
// which every waiting append has its turn.

import type { Expiry, ExpiryAsk } from './retention-run.ts';
import type { SealSlice } from './seal-slice.ts';
import type { BeginRound, BegunRound, Recut } from './sqlite-sealer.ts';
import type { Thread } from './thread.ts';

export interface SealBounds {
  /** Unsealed readings at which a round begins: what a query has to scan. */
  readonly rows: number;
  /** Or so long after the round before, when there is anything. */
  readonly ms: number;
  /** Readings of one round, at most: what a round needs of memory. */
  readonly roundRows: number;
  /** Sealed readings stay in the log so many and so long. */
  readonly replayRows: number;
  readonly replayMs: number;
}
export const SEALING: SealBounds = {
  rows: 262_144,
  ms: 3_600_000,
  roundRows: 1_048_576,
  replayRows: 1_000_000,
  replayMs: 15 * 60_000,
};

export interface Sealing {
  /** The store has readings up to here. */
  note(position: number): void;
  /** Readings that are not sealed. */
  readonly behind: number;
  /** Seals everything up to `position`, and tells how far it is; waits for a round that is under way. */
  sealTo(position: number, progress: (upTo: number) => void): Promise<void>;
  /** Writes chunks anew that were cut while they grew or lie in half-empty pages; tells how many rows of the index are left to look at. */
  recut(progress: (left: number) => void): Promise<void>;
  /** Drops what retention lets go, in slices like those of a round; `told` hears of each step once it is stored. */
  expire(ask: ExpiryAsk, told: (step: Expiry) => void): Promise<void>;
  /** While held no round begins by itself, and one that did goes no further: chunks take room before the log gives it back. */
  hold(isHeld: boolean): void;
  /** No chunk changes while `work` runs; rounds wait for its end. */
  still<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing more will be asked. Idempotent. */
  close(): Promise<void>;
}
export interface SealingOptions {
  readonly bounds: SealBounds;
  /** The thread, opened anew when it has ended. */
  sealer(): Promise<Thread>;
  readonly mark: number;
  readonly position: number;
  /** Rows of the index have no sums yet: an earlier version wrote them. */
  readonly isUnsummed: boolean;
  /** Stores a slice; rejects while the disk is in trouble. */
  store(slice: SealSlice): Promise<void>;
  onError(error: unknown): void;
}

const LOOK_MS = 500;
/** Between two looks: 10,000 a second. */
const BUSY_ROWS = 5_000;
/** The chunk that a series grows at its end is written anew in every round. With so many readings for each, that is done two or three times until it is full, not eight. */
const SERIES_ROWS = 384;
const MOST_TIMES = 3;
const AFTER_ERROR_MS = 30_000;

export function createSealing({ bounds, sealer, store, onError, ...start }: SealingOptions): Sealing {
  let { mark, position } = start;
  let roundAtMs = performance.now();
  let notBeforeMs = 0;
  let running: Promise<void> | null = null;
  let isOver = false;
  let { isUnsummed } = start;
  /** Of the round before; what has been, is the best guess at what comes. */
  let seriesOfRound = 0;
  let lookedAt = position;
  let isBusy = false;
  let isHeld = false;

  /** `isStopped`: it is left where it is, and gone on with later. */
  async function round(upTo: number, isStopped: () => boolean): Promise<void> {
    const ask: BeginRound = { upTo, rows: bounds.roundRows, nowUs: Date.now() * 1000 };
    const begun = await (await sealer()).call<BegunRound | null>('begin', ask);
    if (begun === null) {
      mark = Math.max(mark, upTo);
      return;
    }
    seriesOfRound = begun.series;
    for (;;) {
      if (isStopped()) return;
      const slice = await (await sealer()).call<SealSlice | null>('next');
      if (slice === null) return;
      await store(slice);
      if (slice.isLast) mark = slice.upTo;
    }
  }
  async function rounds(upTo: number, isStopped: () => boolean, progress?: (upTo: number) => void): Promise<void> {
    while (mark < upTo && !isStopped()) {
      await round(upTo, isStopped);
      progress?.(mark);
    }
    roundAtMs = performance.now();
  }
  const mustStop = (): boolean => isOver || isHeld;

  /** While much comes in, a round waits until it is worth its work; what a query has to scan meanwhile has an end as well. */
  const isWorth = (): boolean => !isBusy || position - mark >= Math.min(seriesOfRound * SERIES_ROWS, bounds.rows * MOST_TIMES);
  const isDue = (): boolean =>
    (position - mark >= bounds.rows && isWorth()) || (position > mark && performance.now() - roundAtMs >= bounds.ms);
  /** Whenever there is nothing to seal. */
  async function sumUp(): Promise<void> {
    while (!mustStop() && !isDue()) {
      const slice = await (await sealer()).call<SealSlice | null>('nextSums');
      if (slice !== null) await store(slice);
      isUnsummed = slice !== null && slice.isSummed !== true;
      if (!isUnsummed) return;
    }
  }

  const look = setInterval(() => {
    isBusy = position - lookedAt > BUSY_ROWS;
    lookedAt = position;
    if (running !== null || isHeld || performance.now() < notBeforeMs || !(isDue() || isUnsummed)) return;
    running = (isDue() ? rounds(position, mustStop) : sumUp())
      .catch((error: unknown) => {
        notBeforeMs = performance.now() + AFTER_ERROR_MS;
        if (!isOver) onError(error);
      })
      .finally(() => {
        running = null;
      });
  }, LOOK_MS);

  return {
    note(at) {
      position = at;
    },
    get behind() {
      return position - mark;
    },
    async sealTo(upTo, progress) {
      while (running !== null) await running;
      // somebody wants it, and knows how full the disk is
      const own = rounds(upTo, () => isOver, progress);
      running = own
        .catch(() => undefined)
        .finally(() => {
          running = null;
        });
      await own;
    },
    async recut(progress) {
      while (running !== null) await running;
      running = (async () => {
        progress(await (await sealer()).call<number>('beginRecut'));
        while (!isOver) {
          const some = await (await sealer()).call<Recut | null>('nextRecut');
          if (some === null) return;
          if (some.slice !== null) await store(some.slice);
          progress(some.left);
        }
      })().finally(() => {
        running = null;
      });
      await running;
    },
    async expire(ask, told) {
      while (running !== null) await running.catch(() => undefined);
      const own = (async () => {
        if (isOver) return;
        await (await sealer()).call('beginExpiry', ask);
        while (!isOver) {
          const step = await (await sealer()).call<Expiry | null>('nextExpiry');
          if (step === null || isOver) return;
          if (step.slice !== null) await store(step.slice);
          told(step);
        }
      })();
      running = own
        .catch(() => undefined)
        .finally(() => {
          running = null;
        });
      await own;
    },
    hold(held) {
      isHeld = held;
    },
    async still(work) {
      while (running !== null) await running.catch(() => undefined);
      const own = work();
      running = own
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => {
          running = null;
        });
      return own;
    },
    async close() {
      isOver = true;
      clearInterval(look);
      await running?.catch(() => undefined);
    },
  };
}
