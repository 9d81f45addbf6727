// What a page's charts show, as buttons: everything that wheel, fingers and keys do, for those who have neither.
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import type { IconName } from '../parts/icon.tsx';
import { formatFull, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import { spanOf } from './time-axis.ts';
import type { TimeAxis } from './time-axis.ts';
import { RANGES, RANGE_NAMES } from './time-query.ts';

export function AxisBar({ axis }: { axis: TimeAxis }) {
  const view = axis.view.value;
  const isLive = view.kind === 'live';
  const known = isLive ? RANGE_NAMES.find((name) => RANGES[name] === view.spanMs) : undefined;
  const panBy = (share: number): void => axis.pan(share * spanOf(axis.view.peek()));
  const follow = (): void => {
    const [fromMs, toMs] = axis.edges();
    axis.show(isLive ? { kind: 'fixed', fromMs, toMs } : { kind: 'live', spanMs: Math.max(Math.round(toMs - fromMs), 1000) });
  };
  return (
    <div class="axis-bar">
      <Segments
        label={text.device.range}
        choices={RANGE_NAMES.map((value) => ({ value, label: value }))}
        value={known ?? ''}
        onChange={(name) => axis.show({ kind: 'live', spanMs: RANGES[name as keyof typeof RANGES] })}
      />
      <div class="axis-tools" role="group" aria-label={text.chart.tools}>
        <Tool icon="left" label={text.chart.earlier} onClick={() => panBy(-0.5)} />
        <Tool icon="right" label={text.chart.later} onClick={() => panBy(0.5)} />
        <Tool icon="zoomIn" label={text.chart.zoomIn} onClick={() => axis.zoom(0.5)} />
        <Tool icon="zoomOut" label={text.chart.zoomOut} onClick={() => axis.zoom(2)} />
        <button
          type="button"
          class="btn follow"
          aria-pressed={isLive}
          title={isLive ? text.chart.hold : text.chart.followTip}
          onClick={follow}
        >
          <i class={isLive ? 'dot is-live' : 'dot is-offline'} aria-hidden="true" />
          {text.chart.follow}
        </button>
      </div>
      {known === undefined ? (
        <p class="axis-span">
          {isLive ? text.chart.last(formatSpan(view.spanMs)) : <FixedSpan fromMs={view.fromMs} toMs={view.toMs} />}
          {axis.isMoved() ? (
            <button type="button" class="text-link" onClick={axis.reset}>
              {text.chart.reset}
            </button>
          ) : null}
        </p>
      ) : null}
    </div>
  );
}

function FixedSpan({ fromMs, toMs }: { fromMs: number; toMs: number }) {
  const [from, to] = [formatFull(fromMs), formatFull(toMs)];
  const day = from.slice(0, from.lastIndexOf(', ') + 2);
  return (
    <span>
      {from} – {to.startsWith(day) ? to.slice(day.length) : to} <span class="dim">({formatSpan(toMs - fromMs)})</span>
    </span>
  );
}

function Tool({ icon, label, onClick }: { icon: IconName; label: string; onClick(): void }) {
  return (
    <button type="button" class="btn square" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
