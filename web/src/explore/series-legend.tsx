// The chosen series: how each is drawn, its newest value with unit and age, and whether it is shown at all.
import { SeriesMark } from '../chart/series-mark.tsx';
import type { SeriesFeed } from '../chart/series-feed.ts';
import { judgedAtMs, nowMs } from '../clock.ts';
import { formatAge, formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import type { Explored } from './use-explored.ts';

interface LegendProps {
  readonly series: readonly Explored[];
  readonly hidden: readonly string[];
  readonly isKnown: boolean;
  readonly feed: SeriesFeed;
  onHide(key: string): void;
  onRemove(key: string): void;
  onClear(): void;
}

export function SeriesLegend({ series, hidden, isKnown, feed, onHide, onRemove, onClear }: LegendProps) {
  // values and ages change together, once a second: a list that flickers is not read
  nowMs.value;
  return (
    <section class="panel legend" aria-labelledby="legend-title">
      <header>
        <h2 id="legend-title">{text.explore.legend}</h2>
        <button type="button" class="btn quiet small end" onClick={onClear}>
          {text.explore.clear}
        </button>
      </header>
      <ul>
        {series.map((one) => {
          const isHidden = hidden.includes(one.key);
          return (
            <li key={one.key} data-series={one.key} class={`${isHidden ? 'is-hidden' : ''} ${one.isStale() ? 'is-stale' : ''}`}>
              <button
                type="button"
                class="legend-name"
                aria-pressed={!isHidden}
                title={isHidden ? text.explore.show(one.label) : text.explore.hide(one.label)}
                onClick={() => onHide(one.key)}
              >
                <SeriesMark slot={one.slot} />
                <span class="names">
                  <b>
                    <bdi>{one.metricText}</bdi>
                  </b>
                  <small>
                    <bdi>{one.deviceText}</bdi>
                  </small>
                </span>
              </button>
              <Newest one={one} feed={feed} isKnown={isKnown} />
              <a
                class="btn quiet square"
                href={`/devices/${encodeURIComponent(one.device)}?metric=${encodeURIComponent(one.metric)}`}
                aria-label={one.deviceText}
                title={one.device}
              >
                <Icon name="device" />
              </a>
              <button
                type="button"
                class="btn quiet square"
                aria-label={text.explore.remove(one.label)}
                title={text.explore.remove(one.label)}
                onClick={() => onRemove(one.key)}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Newest({ one, feed, isKnown }: { one: Explored; feed: SeriesFeed; isKnown: boolean }) {
  const live = feed.latest(one.key);
  if (one.found === null && live === undefined) return <span class="newest dim">{isKnown ? text.explore.gone : ''}</span>;
  const value = live?.value ?? one.found?.latest[1] ?? '';
  return (
    <span class="newest" title={String(value)}>
      <b>
        <bdi>{formatValue(value, one.scale, one.metric)}</bdi>
        {one.unit === '' ? null : <span class="unit">{one.unit}</span>}
      </b>
      <small class="age">{formatAge(judgedAtMs.value - one.heardMs())}</small>
    </span>
  );
}
