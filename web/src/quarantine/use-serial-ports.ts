// The serial ports, asked for once: a refused line is tried with the rule of its device's port.
import { useEffect, useState } from 'preact/hooks';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';

/** `isNeeded` false: nothing is asked. */
export function useSerialPorts(isNeeded: boolean): readonly SerialPortView[] {
  const [ports, setPorts] = useState<readonly SerialPortView[]>([]);
  useEffect(() => {
    if (!isNeeded) return;
    const abort = new AbortController();
    api.get('/v1/serial', { signal: abort.signal }).then(
      ({ items }) => setPorts(items),
      (error: unknown) => {
        // without them the workbench begins with no port chosen
        if (!abort.signal.aborted && !(error instanceof ApiError)) throw error;
      },
    );
    return () => abort.abort();
  }, [isNeeded]);
  return ports;
}
