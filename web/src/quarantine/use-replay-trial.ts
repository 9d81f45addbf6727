// What a replay would do by the rules of now, asked a moment after the last change. The answer before stays until the next one is there.
import { useEffect, useState } from 'preact/hooks';
import type { QuarantineTried } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';

export interface ReplayTrial {
  readonly tried: QuarantineTried | null;
  readonly fault: string;
}
const PAUSE_MS = 250;
const NOTHING: ReplayTrial = { tried: null, fault: '' };

/** `raw` null: as it was sent. `isOn` false: nothing is asked. */
export function useReplayTrial(id: number, raw: string | null, isOn = true): ReplayTrial {
  const [trial, setTrial] = useState<ReplayTrial>(NOTHING);
  useEffect(() => {
    if (!isOn) return;
    const abort = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          const ask = { params: { id: String(id) }, signal: abort.signal };
          setTrial({ tried: await api.post('/v1/quarantine/:id/try', raw === null ? {} : { raw }, ask), fault: '' });
        } catch (error) {
          if (abort.signal.aborted) return;
          if (!(error instanceof ApiError)) throw error;
          setTrial({ tried: null, fault: error.message });
        }
      },
      raw === null ? 0 : PAUSE_MS,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id, raw, isOn]);
  return trial;
}
