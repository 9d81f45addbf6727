// What the gateway answers to one question, asked when the section opens, when the connection comes back, and on demand. What was heard
// last stays when the gateway can't be reached.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { useConnected } from '../connected.ts';

export interface Answer<T> {
  /** null: not there yet, or `fault` says why not. */
  readonly value: T | null;
  readonly fault: string;
  refresh(): void;
  /** What is known without asking. */
  put(value: T): void;
}

/** `about` decides what is asked; when it changes the old answer stays until the new one is there. */
export function useAnswer<T>(load: () => Promise<T>, about = ''): Answer<T> {
  const { live } = useConnected();
  const isLive = live.state.value.kind === 'live';
  const [{ value, fault }, setAnswer] = useState<{ value: T | null; fault: string }>({ value: null, fault: '' });
  const turn = useRef(0);
  const loading = useRef(load);
  loading.current = load;
  const refresh = useCallback(async (): Promise<void> => {
    const mine = ++turn.current;
    try {
      const next = await loading.current();
      if (mine === turn.current) setAnswer({ value: next, fault: '' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn.current) setAnswer((now) => ({ ...now, fault: error.message }));
    }
  }, []);
  useEffect(() => void refresh(), [isLive, about, refresh]);
  useEffect(() => () => void turn.current++, []);
  return {
    value,
    fault,
    refresh: () => void refresh(),
    put(known) {
      turn.current++;
      setAnswer({ value: known, fault: '' });
    },
  };
}
