// A list that is read in pages, newest first: its first page again and again while it is seen, older ones on demand. What was heard last
// stays when the gateway can't be reached.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { List } from '../../../gateway/protocol/rest.ts';
import { ApiError } from '../api.ts';
import { useConnected } from '../connected.ts';

export interface Pages<T> {
  readonly phase: 'loading' | 'ready' | 'failed';
  readonly items: readonly T[];
  /** Why it could not be read, in words. */
  readonly fault: string;
  readonly isBusy: boolean;
  /** Null: there are no older ones. */
  readonly older: (() => void) | null;
  refresh(): void;
}
export interface PagesAsk<T> {
  /** What is asked, as a text: another one begins anew. */
  readonly key: string;
  readonly page: (next: string | undefined) => Promise<List<T>>;
  /** Ms between looks at the first page; null: it is looked at when asked to. */
  readonly everyMs: number | null;
}

interface Held<T> {
  readonly phase: Pages<T>['phase'];
  readonly items: readonly T[];
  readonly next: string | null;
  readonly fault: string;
  /** Older pages were read: what comes is put before them. */
  readonly isDeep: boolean;
}

export function usePages<T extends { readonly id: number }>({ key, page, everyMs }: PagesAsk<T>): Pages<T> {
  const { live } = useConnected();
  const isLive = live.state.value.kind === 'live';
  const nothing: Held<T> = { phase: 'loading', items: [], next: null, fault: '', isDeep: false };
  const [held, setHeld] = useState<Held<T>>(nothing);
  const [isBusy, setBusy] = useState(false);
  const turn = useRef(0);
  const heldOf = useRef(key);

  const refresh = useCallback(async (): Promise<void> => {
    const mine = ++turn.current;
    try {
      const { items, next } = await page(undefined);
      if (mine !== turn.current) return;
      setHeld((now) => {
        if (!now.isDeep || heldOf.current !== key) return { phase: 'ready', items, next, fault: '', isDeep: false };
        const oldest = items.at(-1)?.id ?? 0;
        return { ...now, phase: 'ready', fault: '', items: [...items, ...now.items.filter(({ id }) => id < oldest)] };
      });
      heldOf.current = key;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn.current) setHeld((now) => (now.phase === 'ready' ? now : { ...now, phase: 'failed', fault: error.message }));
    }
  }, [key]);

  useEffect(() => {
    setHeld(nothing);
  }, [key]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    // one ask at a time: a slow gateway is asked more seldom
    async function ask(): Promise<void> {
      if (isOver || document.visibilityState === 'hidden') return;
      await refresh();
      if (!isOver && everyMs !== null) timer = setTimeout(ask, everyMs);
    }
    function look(): void {
      clearTimeout(timer);
      void ask();
    }
    look();
    if (isLive) document.addEventListener('visibilitychange', look);
    return () => {
      isOver = true;
      turn.current++;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [isLive, refresh, everyMs]);

  async function older(next: string): Promise<void> {
    setBusy(true);
    try {
      const more = await page(next);
      setHeld((now) => ({ ...now, items: [...now.items, ...more.items], next: more.next, isDeep: true }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setHeld((now) => ({ ...now, fault: error.message }));
    } finally {
      setBusy(false);
    }
  }

  const { next } = held;
  return {
    phase: held.phase,
    items: held.items,
    fault: held.fault,
    isBusy,
    older: next === null ? null : () => void older(next),
    refresh: () => void refresh(),
  };
}
