// One device in the list: a row on wide screens, a card on phones (the same elements, placed by the style sheet). It draws itself again
// when its device changed, at most once a frame; the list around it does not.
import { useConnected } from '../connected.ts';
import { judgedAtMs, nowMs } from '../clock.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice, LiveMetric } from '../live-device.ts';
import { Spark } from '../parts/spark.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { Age, MetricValue, metricLabel } from '../parts/value.tsx';
import { RowTags } from './row-tags.tsx';
import { deviceName } from './fleet-order.ts';

interface FleetRowProps {
  readonly device: LiveDevice;
  readonly index: number;
  readonly onTag: (tag: string) => void;
}

export function FleetRow({ device, index, onTag }: FleetRowProps) {
  device.changed.value;
  const { view } = device;
  const [main, second] = device.shown;
  const name = deviceName(device);
  return (
    <div class="row" role="row" aria-rowindex={index + 2} data-device={device.id}>
      <div class="cell-state" role="cell">
        <StateMark device={device} />
      </div>
      <div class="cell-device" role="cell">
        <a class="name" title={name} href={`/devices/${encodeURIComponent(device.id)}`}>
          <bdi>{name}</bdi>
        </a>
        <span class="sub">
          {view.label === '' ? null : (
            <span class="mono" title={device.id}>
              {device.id}
            </span>
          )}
          {view.tags.length === 0 ? null : <RowTags key={view.tags.join(' ')} tags={view.tags} onTag={onTag} />}
        </span>
      </div>
      <ValueCell device={device} metric={main} place="main" />
      <SparkCell device={device} metric={main} place="main" />
      <ValueCell device={device} metric={second} place="second" />
      <SparkCell device={device} metric={second} place="second" />
      <div class="cell-rate" role="cell">
        <Rate device={device} />
      </div>
    </div>
  );
}

interface CellProps {
  readonly device: LiveDevice;
  readonly metric: LiveMetric | undefined;
  readonly place: 'main' | 'second';
}

function ValueCell({ device, metric, place }: CellProps) {
  // a part that reads a signal is drawn again by signals only, so it names all that it shows
  device.changed.value;
  const isStale = metric === undefined || device.isStale(metric, judgedAtMs.value);
  return (
    <div class={`cell-value ${place} ${isStale ? 'is-stale' : ''}`} role="cell">
      {metric === undefined ? (
        place === 'main' ? (
          <span class="faint">{text.fleet.noReadings}</span>
        ) : null
      ) : (
        <>
          <strong>
            <MetricValue metric={metric} />
          </strong>
          <span class="under">
            <bdi>{metricLabel(metric.name)}</bdi> <Age atMs={metric.heardMs} />
          </span>
        </>
      )}
    </div>
  );
}

function SparkCell({ device, metric, place }: CellProps) {
  const isStale = metric === undefined || device.isStale(metric, judgedAtMs.peek());
  return (
    <div class={`cell-spark ${place} ${isStale ? 'is-stale' : ''}`} role="cell">
      {metric === undefined || typeof metric.value === 'string' ? null : <Spark metric={metric} />}
    </div>
  );
}

function Rate({ device }: { device: LiveDevice }) {
  const { live } = useConnected();
  const rate = device.ratePerSecond(nowMs.value);
  if (live.staleSinceMs.value !== null || rate < 0.005) return <span class="faint">{text.none}</span>;
  return <>{formatNumber(rate, rate < 0.1 ? 2 : rate < 100 ? 1 : 0)}</>;
}
