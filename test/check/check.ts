// What a check is: a name, and findings about a tree of files. No finding means that it passed.

/** `file:line: sentence`, or a sentence alone when no single place is at fault. */
export type Finding = string;

export interface Outcome {
  readonly findings: readonly Finding[];
  /** Worth a look; they never fail a run. */
  readonly warnings: readonly string[];
}

export interface Check {
  readonly name: string;
  /** `root` is the folder of the repository. Rejecting counts as failing. */
  run(root: string): Promise<Outcome>;
}

export function outcome(findings: readonly Finding[], warnings: readonly string[] = []): Outcome {
  return { findings, warnings };
}
