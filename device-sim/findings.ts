// Verdicts, counted, with the first examples of each bad one.

export const VERDICTS = ['ok', 'lost', 'doubled', 'altered', 'phantom', 'misordered', 'unexplained'] as const;
export type Verdict = (typeof VERDICTS)[number];
export type BadVerdict = Exclude<Verdict, 'ok'>;
export type Counts = Readonly<Record<Verdict, number>>;

export interface Example {
  readonly verdict: BadVerdict;
  readonly device: string;
  /** '' and null where the store alone knows of it, or where it is a matter of the whole stream. */
  readonly stream: string;
  readonly seq: number | null;
  readonly index: number | null;
  readonly timeUs: number | null;
  readonly what: string;
}

export interface Findings {
  readonly counts: Record<Verdict, number>;
  readonly examples: Example[];
  ok(count: number): void;
  bad(verdict: BadVerdict, example: Omit<Example, 'verdict' | 'device'>, count?: number): void;
}

export const EXAMPLES = 10;

export function createFindings(device: string): Findings {
  const counts = noCounts();
  const examples: Example[] = [];
  const shown = noCounts();
  return {
    counts,
    examples,
    ok(count) {
      counts.ok += count;
    },
    bad(verdict, example, count = 1) {
      counts[verdict] += count;
      if (shown[verdict]++ < EXAMPLES) examples.push({ verdict, device, ...example });
    },
  };
}

export function noCounts(): Record<Verdict, number> {
  return { ok: 0, lost: 0, doubled: 0, altered: 0, phantom: 0, misordered: 0, unexplained: 0 };
}

export function isClean(counts: Counts): boolean {
  return VERDICTS.every((verdict) => verdict === 'ok' || counts[verdict] === 0);
}
