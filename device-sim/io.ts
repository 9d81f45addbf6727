// Where a command writes: results to stdout, everything else to stderr.

import type { ProgressOutput } from './progress.ts';

export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressOutput;
}
