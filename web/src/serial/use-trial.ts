// Asks what a framing and a rule make of some bytes, a moment after the last change. The answer before stays until the next one is there.
import { useEffect, useState } from 'preact/hooks';
import type { Problem, SerialTried, SerialTry } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';

export interface Trial {
  readonly tried: SerialTried | null;
  readonly isBusy: boolean;
  readonly fault: string;
  readonly errors: Problem['errors'];
}

const PAUSE_MS = 250;
const NOTHING: Trial = { tried: null, isBusy: false, fault: '', errors: [] };

/** null: there is nothing to try. */
export function useTrial(question: SerialTry | null): Trial {
  const [trial, setTrial] = useState<Trial>(NOTHING);
  const asked = question === null ? '' : JSON.stringify(question);
  useEffect(() => {
    if (asked === '') {
      setTrial(NOTHING);
      return;
    }
    const abort = new AbortController();
    setTrial((now) => ({ ...now, isBusy: true }));
    const timer = setTimeout(async () => {
      try {
        const tried = await api.post('/v1/serial/try', JSON.parse(asked) as SerialTry, { signal: abort.signal });
        setTrial({ ...NOTHING, tried });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        const { message, fields } = error;
        setTrial(({ tried }) => ({ tried, isBusy: false, fault: message, errors: fields }));
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  return trial;
}
