// How much work code does, as a count that no busy machine changes: how often V8 ran each function and block of some source files.

import { Session } from 'node:inspector';

export interface StepCounter extends Disposable {
  /** Blocks run by `work` in the files counted. */
  count(work: () => void): number;
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

/** Call it before the files' functions ran for the first time: what was compiled before is counted by functions alone. */
export function countSteps(files: RegExp): StepCounter {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  /** Counts since it was asked before. */
  const take = (): number => {
    let steps = 0;
    session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      for (const { url, functions } of (answer as Coverage).result) {
        if (files.test(url)) for (const { ranges } of functions) for (const { count } of ranges) steps += count;
      }
    });
    return steps;
  };
  return {
    count(work) {
      take();
      work();
      return take();
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}
