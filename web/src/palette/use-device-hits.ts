// Devices that fit what is typed, as the gateway finds them: asked a moment after the last key, and what is overtaken is given up.
import { useEffect, useState } from 'preact/hooks';
import type { DeviceView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';

const ASK_AFTER_MS = 120;
const MOST = 8;

export interface DeviceHits {
  readonly hits: readonly DeviceView[];
  readonly state: 'idle' | 'asking' | 'ready' | 'failed';
}

export function useDeviceHits(typed: string): DeviceHits {
  const [found, setFound] = useState<DeviceHits>({ hits: [], state: 'idle' });
  const q = typed.trim();
  useEffect(() => {
    if (q === '') {
      setFound({ hits: [], state: 'idle' });
      return;
    }
    const over = new AbortController();
    // the hits of a moment ago stay until others are there: a list that empties with every key cannot be read
    setFound(({ hits }) => ({ hits, state: 'asking' }));
    const timer = setTimeout(() => {
      api.get('/v1/devices', { query: { q, limit: MOST }, signal: over.signal }).then(
        ({ items }) => setFound({ hits: items, state: 'ready' }),
        () => {
          if (!over.signal.aborted) setFound({ hits: [], state: 'failed' });
        },
      );
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, [q]);
  return found;
}
