// The same as the charts show, as a table: only the rows near what is seen are on the page, however many there are.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatFull, formatInstant, formatNumber, formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { ChartSeries } from './chart-series.ts';
import { rowsOf } from './reading-rows.ts';
import type { ReadingRows } from './reading-rows.ts';
import type { SeriesFeed } from './series-feed.ts';
import { SeriesMark } from './series-mark.tsx';
import type { TimeAxis } from './time-axis.ts';

const ROW_PX = 32;
const OVERSCAN = 8;
/** A table that jumps with every reading cannot be read. */
const REFRESH_MS = 1000;

interface TableProps {
  readonly feed: SeriesFeed;
  readonly axis: TimeAxis;
  readonly series: readonly ChartSeries[];
  readonly label: string;
}

export function ReadingTable({ feed, axis, series, label }: TableProps) {
  const box = useRef<HTMLDivElement>(null);
  const [rows, setRows] = useState<ReadingRows | null>(null);
  const [seen, setSeen] = useState({ topPx: 0, heightPx: 400 });
  const names = series.map(({ key, label, unit, isState }) => `${key} ${label} ${unit} ${isState}`).join('\n');

  useEffect(() => {
    let shown = '';
    const refresh = (): void => {
      const [fromMs, toMs] = axis.edges();
      const now = `${feed.changed.peek()} ${Math.floor(fromMs / REFRESH_MS)} ${axis.view.peek().kind === 'fixed' ? toMs : ''}`;
      // who reads further down is left in peace
      if (now === shown || (box.current !== null && box.current.scrollTop > ROW_PX && shown !== '' && axis.view.peek().kind === 'live'))
        return;
      shown = now;
      setRows(rowsOf(feed, series, fromMs, toMs));
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    const stop = axis.settled.subscribe(refresh);
    const stopPhase = feed.phase.subscribe(refresh);
    return () => {
      clearInterval(timer);
      stop();
      stopPhase();
    };
  }, [names, feed, axis]);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setSeen({ topPx: element.scrollTop, heightPx: element.clientHeight });
    look();
    element.addEventListener('scroll', look, { passive: true });
    return () => element.removeEventListener('scroll', look);
  }, []);

  const count = rows?.count ?? 0;
  const first = Math.min(Math.max(Math.floor(seen.topPx / ROW_PX) - OVERSCAN, 0), count);
  const last = Math.min(Math.ceil((seen.topPx + seen.heightPx) / ROW_PX) + OVERSCAN, count);
  const hasSeveral = series.length > 1;
  const hasBuckets = rows?.hasBuckets ?? false;
  const columns: string[] = [
    text.table.time,
    ...(hasSeveral ? [text.table.series] : []),
    hasBuckets ? text.table.average : text.table.value,
  ];
  if (hasBuckets) columns.push(text.table.min, text.table.max, text.table.count);
  return (
    <div
      ref={box}
      class={`reading-table ${hasSeveral ? 'has-series' : ''} ${hasBuckets ? 'has-buckets' : ''}`}
      role="table"
      aria-label={label}
      aria-rowcount={count + 1}
      tabIndex={0}
    >
      <div class="reading-row head" role="row" aria-rowindex={1}>
        {columns.map((name) => (
          <span role="columnheader" key={name}>
            {name}
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ height: `${count * ROW_PX}px` }}>
        {rows === null
          ? null
          : Array.from({ length: last - first }, (_, i) => (
              <Row key={first + i} rows={rows} row={first + i} hasSeveral={hasSeveral} hasBuckets={hasBuckets} />
            ))}
      </div>
      {count === 0 ? (
        <p class="panel-note">
          {feed.phase.value === 'failed'
            ? feed.fault.value || text.chart.failed
            : feed.phase.value === 'loading'
              ? text.chart.loading
              : text.chart.empty}
        </p>
      ) : null}
    </div>
  );
}

function Row({ rows, row, hasSeveral, hasBuckets }: { rows: ReadingRows; row: number; hasSeveral: boolean; hasBuckets: boolean }) {
  const { series, timeMs, value, count, min, max } = rows.at(row);
  const said = (one: typeof value): string => formatValue(one, series.scale, series.metric);
  const full = formatFull(timeMs);
  return (
    <div class="reading-row" role="row" aria-rowindex={row + 2} style={{ transform: `translateY(${row * ROW_PX}px)` }}>
      <span role="cell">
        <time>
          {full.slice(0, full.lastIndexOf(' '))} {formatInstant(timeMs, true)}
        </time>
      </span>
      {hasSeveral ? (
        <span role="cell" class="of" title={series.label}>
          <SeriesMark slot={series.slot} />
          <bdi>{series.label}</bdi>
        </span>
      ) : null}
      <span role="cell" class="value" title={typeof value === 'string' ? value : undefined}>
        <bdi>{said(value)}</bdi>
        {series.unit === '' ? null : <span class="unit">{series.unit}</span>}
      </span>
      {hasBuckets ? (
        <>
          <span role="cell">{series.isState ? text.none : said(min)}</span>
          <span role="cell">{series.isState ? text.none : said(max)}</span>
          <span role="cell">{formatNumber(count)}</span>
        </>
      ) : null}
    </div>
  );
}
