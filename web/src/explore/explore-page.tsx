// The Explore page: series of any devices on one time axis, as charts or as one table, to be looked at closely and taken away.
import { useSignalEffect } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SeriesFound } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { AxisBar } from '../chart/axis-bar.tsx';
import { ChartBox } from '../chart/chart-box.tsx';
import { ExportDialog } from '../chart/export-dialog.tsx';
import { ReadingTable } from '../chart/reading-table.tsx';
import type { SeriesFeed } from '../chart/series-feed.ts';
import { SeriesMark } from '../chart/series-mark.tsx';
import type { TimeAxis, TimeView } from '../chart/time-axis.ts';
import { RANGES } from '../chart/time-query.ts';
import { useSeriesFeed } from '../chart/use-series-feed.ts';
import { useTimeAxis } from '../chart/use-time-axis.ts';
import { feedScale } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { metricLabel } from '../parts/value.tsx';
import '../styles/explore.css';
import { MOST_SERIES, isFull, readExploreQuery, writeExploreQuery } from './explore-query.ts';
import type { ExploreQuery } from './explore-query.ts';
import { panelsOf } from './explore-panels.ts';
import { SeriesLegend } from './series-legend.tsx';
import { LatestValue, SeriesSearch } from './series-search.tsx';
import { useExplored } from './use-explored.ts';
import type { Explored, Heard } from './use-explored.ts';

const HOME: TimeView = { kind: 'live', spanMs: RANGES['1h'] };
const OFFERED = 6;

export function ExplorePage() {
  const { url, route } = useLocation();
  const query = readExploreQuery(url);
  const now = useRef(query);
  now.current = query;
  const [isExporting, setExporting] = useState(false);
  const heard = useRef<Heard | null>(null);
  const { series, isKnown } = useExplored(query.series, heard);
  const change = (next: Partial<ExploreQuery>): void => route(writeExploreQuery({ ...now.current, ...next }), true);
  const axis = useTimeAxis(query.view, HOME, (view) => change({ view }));
  const feed = useSeriesFeed(axis, series, series.map(({ unitCode }) => unitCode).join(' '));
  heard.current = feed;
  useScales(feed, series);
  useEffect(() => {
    document.title = `${text.explore.title} · ${text.product}`;
  }, []);

  const toggle = (key: string): void => {
    const { series: keys } = now.current;
    change({ series: keys.includes(key) ? keys.filter((one) => one !== key) : [...keys, key] });
  };
  const hide = (key: string): void => {
    const { hidden } = now.current;
    change({ hidden: hidden.includes(key) ? hidden.filter((one) => one !== key) : [...hidden, key] });
  };
  const shown = series.filter(({ key }) => !query.hidden.includes(key));

  return (
    <div class="explore">
      <div class="page-head">
        <h1>{text.explore.title}</h1>
        {series.length === 0 ? null : (
          <div class="end">
            <Segments
              label={text.explore.view}
              choices={[
                { value: 'chart', label: text.explore.chart },
                { value: 'table', label: text.explore.table },
              ]}
              value={query.isTable ? 'table' : 'chart'}
              onChange={(view) => change({ isTable: view === 'table' })}
            />
            <button type="button" class="btn" disabled={shown.length === 0} onClick={() => setExporting(true)}>
              <Icon name="download" />
              {text.explore.export}
            </button>
          </div>
        )}
      </div>
      <div class="explore-grid">
        <SeriesSearch chosen={query.series} isFull={isFull(query)} most={MOST_SERIES} onToggle={toggle} />
        <div class="explore-charts">
          {series.length === 0 ? (
            <Offer onPick={toggle} />
          ) : (
            <>
              <AxisBar axis={axis} />
              {shown.length === 0 ? (
                <p class="panel panel-note">{text.explore.allHidden}</p>
              ) : query.isTable ? (
                <section class="panel">
                  <ReadingTable feed={feed} axis={axis} series={shown} label={text.explore.all} />
                </section>
              ) : (
                <Panels series={shown} feed={feed} axis={axis} />
              )}
            </>
          )}
        </div>
        {series.length === 0 ? null : (
          <SeriesLegend
            series={series}
            hidden={query.hidden}
            isKnown={isKnown}
            feed={feed}
            onHide={hide}
            onRemove={toggle}
            onClear={() => change({ series: [], hidden: [] })}
          />
        )}
      </div>
      {isExporting ? <ExportDialog feed={feed} axis={axis} series={shown} onClose={() => setExporting(false)} /> : null}
    </div>
  );
}

function Panels({ series, feed, axis }: { series: readonly Explored[]; feed: SeriesFeed; axis: TimeAxis }) {
  const panels = panelsOf(series);
  const hasRightRoom = panels.some(({ axes }) => axes.length > 1);
  const newestMs = (some: readonly Explored[]) => (): number | null => {
    const times = some.flatMap(({ found }) => found?.latest[0] ?? []);
    return times.length === 0 ? null : Math.max(...times);
  };
  return (
    <>
      {panels.map(({ id, axes, units, state }) => {
        const some = state === undefined ? axes.flat() : [state];
        return (
          <section class="panel chart-panel" key={id} data-units={units.join(' ')} data-phase={feed.phase.value}>
            <header>
              {state === undefined ? (
                <UnitHead axes={axes} units={units} />
              ) : (
                <h2 class="state-name" title={state.label}>
                  <SeriesMark slot={state.slot} />
                  <bdi>{state.metricText}</bdi> <span class="dim">{state.deviceText}</span>
                </h2>
              )}
            </header>
            <ChartBox
              feed={feed}
              axis={axis}
              axes={axes}
              state={state}
              hasRightRoom={hasRightRoom}
              label={text.chart.label(some.map(({ label }) => label).join('; '))}
              newestMs={newestMs(some)}
            />
          </section>
        );
      })}
    </>
  );
}

/** Each unit stands over its axis. */
function UnitHead({ axes, units }: { axes: readonly (readonly Explored[])[]; units: readonly string[] }) {
  return (
    <h2 class="unit-head">
      {units.map((unit, at) => (
        <span key={unit} title={[...new Set(axes[at]?.map(({ metricText }) => metricText))].join(', ')}>
          {unit === '' ? text.none : unit}{' '}
          <span class="dim">{[...new Set(axes[at]?.map(({ metricText }) => metricText))].slice(0, 3).join(', ')}</span>
        </span>
      ))}
    </h2>
  );
}

/** What a first visit begins with: some series there are. */
function Offer({ onPick }: { onPick(key: string): void }) {
  const [offered, setOffered] = useState<readonly SeriesFound[] | null>(null);
  const [fault, setFault] = useState('');
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setFault('');
    api.get('/v1/series', { query: { limit: OFFERED }, signal: abort.signal }).then(
      ({ items }) => setOffered(items),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setFault(error.message);
      },
    );
    return () => abort.abort();
  }, [turn]);
  if (fault !== '') {
    return (
      <Empty title={text.explore.failed} body={fault}>
        <button type="button" class="btn" onClick={() => setTurn(turn + 1)}>
          {text.chart.again}
        </button>
      </Empty>
    );
  }
  if (offered === null) return <div class="skeleton" role="status" aria-label={text.loading} />;
  if (offered.length === 0) {
    return (
      <Empty title={text.explore.nothing.title} body={text.explore.nothing.body}>
        <a class="btn primary" href="/">
          {text.explore.nothing.go}
        </a>
      </Empty>
    );
  }
  return (
    <Empty title={text.explore.empty.title} body={text.explore.empty.body}>
      <ul class="offers">
        {offered.map((one) => (
          <li key={`${one.device}/${one.metric}`}>
            <button
              type="button"
              class="offer"
              title={`${one.label === '' ? one.device : one.label} · ${metricLabel(one.metric)}`}
              onClick={() => onPick(`${one.device}/${one.metric}`)}
            >
              <span class="names">
                <b>
                  <bdi>{metricLabel(one.metric)}</bdi>
                </b>
                <small>
                  <bdi>{one.label === '' ? one.device : one.label}</bdi>
                </small>
              </span>
              <LatestValue found={one} />
            </button>
          </li>
        ))}
      </ul>
    </Empty>
  );
}

/** Each series is written with the decimals that it has been seen to need. */
function useScales(feed: SeriesFeed, series: readonly Explored[]): void {
  const latest = useRef(series);
  latest.current = series;
  useSignalEffect(() => {
    feed.changed.value;
    for (const { key, scale, isState } of latest.current) {
      if (isState) continue;
      const value = feed.latest(key)?.value;
      if (typeof value === 'number') feedScale(scale, value);
      else if (scale.seen === 0)
        for (const one of feed.window(key)?.lasts.slice(-20) ?? []) if (typeof one === 'number') feedScale(scale, one);
    }
  });
}
