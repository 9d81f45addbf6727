// What compact, verify and backup have in common: news of work in the gateway, or in this process where none runs, told on stderr.

import { EXIT, Failure } from '../failure.ts';
import type { UpkeepNews, VerifyFinding } from '../protocol/rest.ts';
import type { Cli } from './cli.ts';
import type { Control } from './control.ts';

export interface UpkeepAsk {
  readonly target: string;
  readonly body?: object;
  readonly onFound?: (finding: VerifyFinding) => void;
}
type Last = Exclude<UpkeepNews['type'], 'progress' | 'found' | 'failed'>;

/** The last line, which is of the type asked for; a Failure when it says that it failed. */
export async function follow<T extends Last>(
  cli: Cli,
  control: Control,
  type: T,
  { target, body, onFound }: UpkeepAsk,
): Promise<Extract<UpkeepNews, { type: T }>> {
  for await (const line of control.lines('POST', target, body)) {
    const news = JSON.parse(line) as UpkeepNews;
    if (news.type === 'progress') cli.say(news.left === null ? news.doing : `${news.doing}: ${news.left} left`);
    else if (news.type === 'found') onFound?.(news.finding);
    else if (news.type === 'failed') throw new Failure(EXIT.failed, news.message);
    else if (news.type === type) return news as Extract<UpkeepNews, { type: T }>;
  }
  throw new Failure(EXIT.failed, 'the gateway stopped before it was done: nothing is lost; run the command again');
}
