// The gateway's time as seen from here: a laptop or phone with a wrong clock must not make every age wrong. `nowMs` ticks once a second.
import { computed, signal } from '@preact/signals';

let offsetMs = 0;
let isSet = false;

export const serverNowMs = (): number => Date.now() + offsetMs;
/** Changes once a second; what shows an age reads it, so ages move together and values don't make them flicker. */
export const nowMs = signal(serverNowMs());

/** Until when this page was told what devices do (this machine's clock); null: it is being told. */
export const toldUntilMs = signal<number | null>(null);
/** By what devices are judged: while nothing is heard from the gateway, nobody becomes late. */
export const judgedAtMs = computed(() => (toldUntilMs.value === null ? nowMs.value : toldUntilMs.value + offsetMs));

/** Told by every answer that carries the gateway's time; small differences are the network's and are left alone. */
export function setServerTime(atMs: number): void {
  const measured = atMs - Date.now();
  if (isSet && Math.abs(measured - offsetMs) < 1000) return;
  offsetMs = Math.abs(measured) < 250 ? 0 : measured;
  isSet = true;
  nowMs.value = serverNowMs();
}

export function startClock(): () => void {
  const timer = setInterval(() => {
    nowMs.value = serverNowMs();
  }, 1000);
  return () => clearInterval(timer);
}
