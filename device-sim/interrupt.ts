// Ctrl-C and SIGTERM: the first asks for an orderly end, the second is the end.

export interface Interrupt {
  readonly isAsked: boolean;
  /** Resolves when an end is asked for. */
  readonly asked: Promise<void>;
  close(): void;
}

const EXIT_INTERRUPTED = 130;

/** `say` tells a person that it was heard, since the end can take a while. `withStdin`: the end of standard input counts as one. */
export function listenForInterrupt(say: (text: string) => void, withStdin = false): Interrupt {
  let isAsked = false;
  let tell = () => {};
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const onSignal = () => {
    if (isAsked) process.exit(EXIT_INTERRUPTED);
    isAsked = true;
    say('ending: waiting for the acks that are still out; once more stops at once');
    tell();
  };
  // whoever started this is gone, or lets go of it
  if (withStdin) process.stdin.once('end', onSignal).once('error', onSignal).resume();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    get isAsked() {
      return isAsked;
    },
    asked,
    close() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      if (withStdin) process.stdin.destroy();
    },
  };
}

/** Resolves after `ms`, or earlier when an end is asked for. */
export async function pause(ms: number, interrupt: Interrupt): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([passed, interrupt.asked]);
  clearTimeout(timer);
}
