// History, then live: reads the window of one series by REST, and follows it from the cursor of that answer, so that nothing is missing
// or twice in between. Reads again when the range changes or the gateway says that the cursor is too old.
import { signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError, getBuckets, getReadings } from '../api.ts';
import { serverNowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { windowOfBuckets, windowOfReadings } from './series-window.ts';
import type { SeriesWindow } from './series-window.ts';

export interface SeriesFollowed {
  readonly phase: Signal<'loading' | 'ready' | 'failed'>;
  /** Null until history was read. Mutated by live readings; `changed` counts them by frame. */
  readonly window: Signal<SeriesWindow | null>;
  readonly changed: Signal<number>;
  retry(): void;
}

const POINTS = 720;
/** Every reading is drawn while there are no more than these in the span; then buckets tell more than a thick line. */
const RAW_SPAN_MS = 3_600_000;
const RAW_MOST = { number: 1500, state: 4000 };
const RETRY_MS = 3000;
/** Readings of a clock that is ahead are committed before the cursor too: they are read now and drawn when their time comes. */
const AHEAD_MS = 600_000;

async function readHistory(
  ask: { device: string; metric: string; rangeMs: number; isState: boolean },
  abort: AbortSignal,
): Promise<{ window: SeriesWindow; cursor: string }> {
  const nowMs = Math.ceil(serverNowMs());
  const fromMs = nowMs - ask.rangeMs;
  const series = { device: ask.device, metric: ask.metric, from: fromMs };
  if (ask.rangeMs <= RAW_SPAN_MS || ask.isState) {
    const answer = await getReadings({ ...series, to: nowMs + AHEAD_MS, limit: ask.isState ? RAW_MOST.state : RAW_MOST.number }, abort);
    if (answer.next === null) return { window: windowOfReadings(newestUnit(answer.series)?.readings ?? []), cursor: answer.cursor };
  }
  const bucketMs = ask.rangeMs / POINTS;
  const ahead = Math.ceil(AHEAD_MS / bucketMs);
  const answer = await getBuckets({ ...series, to: Math.round(fromMs + (POINTS + ahead) * bucketMs), points: POINTS + ahead }, abort);
  return { window: windowOfBuckets(newestUnit(answer.series)?.buckets ?? [], fromMs, bucketMs), cursor: answer.cursor };
}

/** Another unit is another series: the chart shows the one that goes on now. */
function newestUnit<S extends { readonly readings?: readonly (readonly unknown[])[]; readonly buckets?: readonly (readonly unknown[])[] }>(
  series: readonly S[],
): S | undefined {
  const lastMs = (one: S): number => Number((one.readings ?? one.buckets)?.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY);
  return [...series].sort((a, b) => lastMs(b) - lastMs(a))[0];
}

export function useSeries(device: string, metric: string, rangeMs: number, isState: boolean): SeriesFollowed {
  const { live } = useConnected();
  const followed = useMemo<SeriesFollowed & { turn: Signal<number> }>(() => {
    const turn = signal(0);
    return {
      phase: signal<'loading' | 'ready' | 'failed'>('loading'),
      window: signal<SeriesWindow | null>(null),
      changed: signal(0),
      turn,
      retry: () => turn.value++,
    };
  }, []);
  const turn = followed.turn.value;

  useEffect(() => {
    const abort = new AbortController();
    let leave = (): void => {};
    let frame = 0;
    let retryTimer: ReturnType<typeof setTimeout> | undefined;
    followed.phase.value = 'loading';

    const start = async (): Promise<void> => {
      leave();
      try {
        const { window, cursor } = await readHistory({ device, metric, rangeMs, isState }, abort.signal);
        if (abort.signal.aborted) return;
        followed.window.value = window;
        followed.phase.value = 'ready';
        leave = live.subscribe(
          { devices: [device], metrics: [metric], since: cursor },
          {
            readings(readings) {
              // patterns are literal but for *, which a metric's name may not contain; the check costs nothing
              for (const [, name, timeMs, value] of readings) if (name === metric) window.add(timeMs, value);
              frame ||= requestAnimationFrame(() => {
                frame = 0;
                window.dropBefore(serverNowMs() - rangeMs);
                followed.changed.value++;
              });
            },
            reset: () => void start(),
          },
        );
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        followed.phase.value = 'failed';
        retryTimer = setTimeout(start, RETRY_MS);
      }
    };
    void start();
    return () => {
      abort.abort();
      clearTimeout(retryTimer);
      cancelAnimationFrame(frame);
      leave();
    };
  }, [device, metric, rangeMs, isState, live, turn]);
  return followed;
}
