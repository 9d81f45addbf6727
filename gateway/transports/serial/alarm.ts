// One timer that is set anew and anew.

export interface Alarm {
  readonly isSet: boolean;
  set(ms: number): void;
  clear(): void;
}

export function createAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | null = null;
  const clear = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const rung = (): void => {
    timer = null;
    ring();
  };
  return {
    get isSet() {
      return timer !== null;
    },
    set(ms) {
      clear();
      timer = setTimeout(rung, Math.max(1, Math.ceil(ms)));
    },
    clear,
  };
}
