// Work on the databases that goes on while one looks at something else: a backup, a verification, a compaction. Each is asked for here, and
// its news are kept until the next one of its kind.
import { signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { Problem, UpkeepNews, VerifyFinding } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';

export type UpkeepKind = 'backups' | 'verify' | 'compact';
export interface UpkeepRun {
  readonly isOver: boolean;
  readonly doing: string;
  readonly left: number | null;
  /** The most that was left of what is being done now. */
  readonly most: number | null;
  readonly findings: readonly VerifyFinding[];
  /** How it ended; null while it has not. */
  readonly end: UpkeepNews | null;
}

const KEPT_FINDINGS = 100;
const BEGUN: UpkeepRun = { isOver: false, doing: '', left: null, most: null, findings: [], end: null };
const runs: Readonly<Record<UpkeepKind, Signal<UpkeepRun | null>>> = { backups: signal(null), verify: signal(null), compact: signal(null) };

export const upkeepRun = (kind: UpkeepKind): ReadonlySignal<UpkeepRun | null> => runs[kind];

/** Resolves when it has ended, well or not. */
export async function startUpkeep(kind: UpkeepKind): Promise<void> {
  const run = runs[kind];
  run.value = BEGUN;
  const fail = (message: string): void => {
    run.value = { ...(run.value ?? BEGUN), isOver: true, end: { type: 'failed', message } };
  };
  try {
    const answer = await fetch(`/v1/${kind}`, { method: 'POST', credentials: 'same-origin' });
    if (!answer.ok || answer.body === null) {
      const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
      return fail(problem.detail ?? problem.title ?? text.problem.generic(answer.status));
    }
    for await (const news of linesOf(answer.body)) run.value = heard(run.value ?? BEGUN, news);
    if (run.value?.end == null) fail(text.settings.backup.broke);
  } catch {
    fail(text.settings.backup.broke);
  }
}

function heard(run: UpkeepRun, news: UpkeepNews): UpkeepRun {
  if (news.type === 'found') return run.findings.length < KEPT_FINDINGS ? { ...run, findings: [...run.findings, news.finding] } : run;
  if (news.type !== 'progress') return { ...run, isOver: true, end: news };
  const isSame = news.doing === run.doing;
  const most = news.left === null ? null : Math.max(news.left, (isSame ? run.most : null) ?? 0);
  return { ...run, doing: news.doing, left: news.left, most };
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<UpkeepNews> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as UpkeepNews;
  }
}
