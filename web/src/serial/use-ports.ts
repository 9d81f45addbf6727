// The serial ports, asked for once a second while the page is seen. What was heard last stays when the gateway can't be reached.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { useConnected } from '../connected.ts';

export interface Ports {
  readonly phase: 'loading' | 'ready' | 'failed';
  readonly ports: readonly SerialPortView[];
  /** Why they could not be read, in words. */
  readonly fault: string;
  /** Lines per second by port id, one sample an ask, oldest first. */
  readonly rates: ReadonlyMap<string, readonly number[]>;
  refresh(): void;
}

const EVERY_MS = 1000;
const KEPT_RATES = 60;
type Answers = Omit<Ports, 'refresh'>;
const NOTHING: Answers = { phase: 'loading', ports: [], fault: '', rates: new Map() };

function withRates(rates: Answers['rates'], ports: readonly SerialPortView[]): Answers['rates'] {
  return new Map(ports.map(({ id, linesPerSecond }) => [id, [...(rates.get(id) ?? []).slice(1 - KEPT_RATES), linesPerSecond]]));
}

export function usePorts(): Ports {
  const { live } = useConnected();
  const isLive = live.state.value.kind === 'live';
  const [answers, setAnswers] = useState<Answers>(NOTHING);
  const turn = useRef(0);

  const refresh = useCallback(async (): Promise<void> => {
    const mine = ++turn.current;
    try {
      const { items } = await api.get('/v1/serial');
      if (mine === turn.current) setAnswers(({ rates }) => ({ phase: 'ready', ports: items, fault: '', rates: withRates(rates, items) }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn.current) setAnswers((now) => (now.phase === 'ready' ? now : { ...now, phase: 'failed', fault: error.message }));
    }
  }, []);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    // one ask at a time: a slow gateway is asked more seldom
    async function ask(): Promise<void> {
      if (isOver || document.visibilityState === 'hidden') return;
      await refresh();
      if (!isOver) timer = setTimeout(ask, EVERY_MS);
    }
    function look(): void {
      clearTimeout(timer);
      void ask();
    }
    // while the connection is down the bar above tells, and the page asks again with it
    if (isLive) look();
    else void refresh();
    if (isLive) document.addEventListener('visibilitychange', look);
    return () => {
      isOver = true;
      turn.current++;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [isLive, refresh]);

  return { ...answers, refresh: () => void refresh() };
}
