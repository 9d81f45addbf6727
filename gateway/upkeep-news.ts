// News of work that takes a while, as a stream of JSON lines: what is written when somebody reads, and left out when nobody does.

import { sentenceOf } from './failure.ts';
import type { UpkeepNews } from './protocol/rest.ts';

/** A progress that comes sooner after another one of the same thing is left out. */
const PROGRESS_MS = 500;

export type Tell = (news: UpkeepNews) => void;

/** `work` gives the last line. What it throws becomes one too, after `onFailed` heard of it. */
export function newsOf(
  work: (tell: Tell) => Promise<UpkeepNews>,
  told: { onFailed(error: unknown): void; onLeft?(): void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isLeft = false;
  return new ReadableStream({
    start(controller) {
      let saidAtMs = Number.NEGATIVE_INFINITY;
      let said = '';
      const tell: Tell = (news) => {
        if (isLeft) return;
        if (news.type === 'progress') {
          const nowMs = performance.now();
          if ((news.doing === said && nowMs - saidAtMs < PROGRESS_MS) || (controller.desiredSize ?? 0) < -PATIENCE) return;
          saidAtMs = nowMs;
          said = news.doing;
        }
        controller.enqueue(encoder.encode(`${JSON.stringify(news)}\n`));
      };
      void work(tell)
        .catch((error: unknown): UpkeepNews => {
          if (!isLeft) told.onFailed(error);
          return { type: 'failed', message: sentenceOf(error) };
        })
        .then((last) => {
          tell(last);
          if (!isLeft) controller.close();
        });
    },
    cancel() {
      isLeft = true;
      told.onLeft?.();
    },
  });
}

/** Lines that may wait for a reader before progress is left out. */
const PATIENCE = 20;
