// Gives every device of a fleet its own token, with one enrolment key.

import { type ApiClient, problemText } from './api-client.ts';
import { Failure } from './failure.ts';

/** Requests at once. More would only queue in the gateway: each one is a commit there. */
export const ENROL_AT_ONCE = 8;
const TRIES = 8;

export interface EnrolOptions {
  readonly api: ApiClient;
  readonly key: string;
  readonly ids: readonly string[];
  readonly onProgress: (done: number) => void;
}

/** The tokens, in the order of `ids`. */
export async function enrolFleet({ api, key, ids, onProgress }: EnrolOptions): Promise<string[]> {
  const tokens: string[] = new Array<string>(ids.length);
  let next = 0;
  let done = 0;
  let isFailed = false;
  const work = async (): Promise<void> => {
    while (next < ids.length && !isFailed) {
      const index = next++;
      try {
        tokens[index] = await enrolDevice(api, key, ids[index]!);
      } catch (error) {
        isFailed = true;
        throw error;
      }
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(ENROL_AT_ONCE, ids.length) }, work));
  return tokens;
}

export async function enrolDevice(api: ApiClient, key: string, id: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const answer = await api.call('POST', '/v1/enrol', { credential: key, body: { device: id } });
    const token = (answer.body as { token?: unknown } | null)?.token;
    if (answer.status >= 200 && answer.status < 300 && typeof token === 'string') return token;
    const isBusy = answer.status === 429 || answer.status === 503;
    if (!isBusy || tries === TRIES) throw new Failure(explain(id, answer.status) ?? `${id} could not be enrolled: ${problemText(answer)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, Math.min(answer.retryAfterMs || 1000, 30_000) + Math.random() * 1000);
    });
  }
}

function explain(id: string, status: number): string | undefined {
  if (status === 401)
    return 'the enrolment key was not taken: it is unknown, used up, expired or revoked; make another with: fieldgate enrol add';
  if (status === 409)
    return `${id} exists already; a key made with «fieldgate enrol add --reenrol» gives devices that it enrolled itself a new token`;
  return undefined;
}
