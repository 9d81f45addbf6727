// A chart or its table, and what stands in its place while there is nothing to show: why, and what to do.
import { formatAge } from '../format.ts';
import { serverNowMs } from '../clock.ts';
import { text } from '../i18n/en.ts';
import { Chart } from './chart.tsx';
import type { ChartProps } from './chart.tsx';
import { ReadingTable } from './reading-table.tsx';
import { spanOf } from './time-axis.ts';

interface BoxProps extends ChartProps {
  readonly isTable?: boolean;
  /** The newest reading that is known of, when nothing is shown; ms. */
  newestMs?(): number | null;
}

const MARGIN = 0.1;

export function ChartBox({ isTable = false, newestMs, ...chart }: BoxProps) {
  const { feed, axis, axes, state, label } = chart;
  const series = state === undefined ? axes.flat() : [state];
  if (isTable) return <ReadingTable feed={feed} axis={axis} series={series} label={label} />;
  const note = noteOf(chart);
  const phase = feed.phase.value;
  const newest = note === 'empty' ? (newestMs?.() ?? null) : null;
  const showNewest = (atMs: number): void => {
    const spanMs = spanOf(axis.view.peek());
    axis.show({ kind: 'fixed', fromMs: atMs - spanMs * (1 - MARGIN), toMs: atMs + spanMs * MARGIN });
  };
  return (
    <figure class={state === undefined ? 'chart' : 'chart is-states'}>
      {note === 'unread' ? null : <Chart {...chart} />}
      {note === 'unread' && phase === 'loading' ? <p class="chart-note">{text.chart.loading}</p> : null}
      {phase === 'failed' ? (
        <p class="chart-note" role="alert">
          {feed.fault.value === '' ? text.chart.failed : feed.fault.value}
          <button type="button" class="btn small" onClick={feed.retry}>
            {text.chart.again}
          </button>
        </p>
      ) : null}
      {note === 'empty' ? (
        <p class="chart-note is-over">
          {text.chart.empty}
          {newest === null ? null : (
            <button type="button" class="btn small" onClick={() => showNewest(newest)}>
              {text.chart.showNewest(formatAge(serverNowMs() - newest))}
            </button>
          )}
        </p>
      ) : null}
    </figure>
  );
}

/** What there is to say about the series together. */
function noteOf({ feed, axis, axes, state }: ChartProps): 'unread' | 'empty' | 'shown' {
  feed.changed.value;
  axis.settled.value;
  const series = state === undefined ? axes.flat() : [state];
  const [fromMs, toMs] = axis.edges();
  let isRead = false;
  for (const { key, isState } of series) {
    const window = feed.window(key);
    if (window === null) continue;
    isRead = true;
    const end = window.after(toMs);
    // a state holds from before
    if (end > 0 && (isState || (window.times[end - 1] ?? 0) >= fromMs)) return 'shown';
  }
  return isRead ? 'empty' : 'unread';
}
