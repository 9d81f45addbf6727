// How full quarantine is, asked for again while the page is seen.
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { QuarantineSizeView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { useConnected } from '../connected.ts';

const EVERY_MS = 4000;

export function useQuarantineSize(): { readonly size: QuarantineSizeView | null; refresh(): void } {
  const { live } = useConnected();
  const isLive = live.state.value.kind === 'live';
  const [size, setSize] = useState<QuarantineSizeView | null>(null);
  const refresh = useCallback(async (): Promise<void> => {
    try {
      setSize(await api.get('/v1/quarantine/size'));
    } catch (error) {
      // the list says that the gateway can't be reached
      if (!(error instanceof ApiError)) throw error;
    }
  }, []);
  useEffect(() => {
    void refresh();
    if (!isLive) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && void refresh(), EVERY_MS);
    return () => clearInterval(timer);
  }, [isLive, refresh]);
  return { size, refresh: () => void refresh() };
}
