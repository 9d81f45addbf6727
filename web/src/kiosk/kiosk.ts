// A wall display: the same pages without anything to press, asked for by `?kiosk` in the address. The screen stays awake, and what the
// gateway was upgraded to is loaded by itself.
import { useEffect } from 'preact/hooks';

/** Fixed when the page is loaded: pages that write their state into the address may leave it out. */
export const isKiosk = new URLSearchParams(location.search).has('kiosk');

/** The same address, still a wall display. */
export function reloadKiosk(): void {
  const address = new URL(location.href);
  address.searchParams.set('kiosk', '');
  if (address.href === location.href) location.reload();
  else location.replace(address);
}

/** Keeps the screen on while the page is seen, where the browser can do that. */
export function useWakeLock(): void {
  useEffect(() => {
    let isOver = false;
    let lock: WakeLockSentinel | null = null;
    const ask = async (): Promise<void> => {
      if (isOver || document.visibilityState !== 'visible' || (lock !== null && !lock.released)) return;
      try {
        lock = await navigator.wakeLock.request('screen');
        if (isOver) await lock.release();
      } catch {
        // no such thing here, or the battery is low: the screen then follows the system's settings
      }
    };
    const seen = (): void => void ask();
    seen();
    document.addEventListener('visibilitychange', seen);
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', seen);
      void lock?.release().catch(() => undefined);
    };
  }, []);
}
