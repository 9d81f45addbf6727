// The fleet on a wall: how many are in which state, and a tile for each device. Where there are more than fit, those in trouble stay and
// the others take turns.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { judgedAtMs, nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { countStates, createNameOrder, deviceName } from '../fleet/fleet-order.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { STATES } from '../live-device.ts';
import type { DeviceState, LiveDevice } from '../live-device.ts';
import { Empty } from '../parts/empty.tsx';
import { Spark } from '../parts/spark.tsx';
import { StateDot, StateMark } from '../parts/state-mark.tsx';
import { MetricValue, metricLabel } from '../parts/value.tsx';
import { tileGrid } from './tile-grid.ts';
import type { Box } from './tile-grid.ts';

const TURN_MS = 12_000;
const IN_TROUBLE: readonly DeviceState[] = ['silent', 'late', 'offline'];
/** Those in trouble leave room for the others. */
const TROUBLE_SHARE = 0.5;

export function WallPage() {
  const { fleet } = useConnected();
  const order = useMemo(createNameOrder, []);
  const area = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState<Box | null>(null);
  const all = fleet.list.value;
  const now = judgedAtMs.value;
  const named = useMemo(() => order(all), [all]);
  const counts = countStates(all, now);

  useEffect(() => {
    document.title = `${text.fleet.title} · ${text.product}`;
    void fleet.load();
    return fleet.follow(['*'], () => void fleet.load());
  }, [fleet]);
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setBox({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, [all.length === 0]);

  const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const grid = box === null ? null : tileGrid(all.length, box, remPx);
  const { devices, page, pages } = grid === null ? { devices: [], page: 0, pages: 1 } : turn(named, grid.columns * grid.rows, now);
  useLayoutEffect(() => {
    if (grid === null || area.current === null) return;
    area.current.style.setProperty('--columns', String(grid.columns));
    area.current.style.setProperty('--rows', String(grid.rows));
  }, [grid?.columns, grid?.rows]);
  const key = devices.map(({ id }) => id).join(' ');
  useEffect(() => void fleet.seed(devices), [key]);

  if (all.length === 0) {
    return fleet.loading.value === 'ready' ? (
      <Empty title={text.fleet.empty.title} body={text.fleet.empty.viewer} />
    ) : (
      <div class="skeleton" role="status" aria-label={text.loading} />
    );
  }
  return (
    <>
      <div class="wall-head">
        <h1>{text.fleet.devices(formatNumber(all.length), all.length)}</h1>
        <ul class="wall-counts">
          {STATES.filter((state) => state === 'live' || counts[state] > 0)
            .reverse()
            .map((state) => (
              <li key={state} class={`is-${state}`}>
                <StateDot state={state} />
                <b>{formatNumber(counts[state])}</b> {text.state[state]}
              </li>
            ))}
        </ul>
        {pages > 1 ? <span class="wall-page">{text.kiosk.page(page + 1, pages)}</span> : null}
      </div>
      <div class="wall" ref={area}>
        {devices.map((device) => (
          <Tile key={device.id} device={device} />
        ))}
      </div>
    </>
  );
}

/** Those who are shown now: everybody by name, or those in trouble first and a page of the others. */
function turn(named: readonly LiveDevice[], room: number, now: number) {
  if (named.length <= room) return { devices: named, page: 0, pages: 1 };
  const trouble = named.filter((device) => IN_TROUBLE.includes(device.state(now)));
  const kept = trouble.slice(0, Math.floor(room * TROUBLE_SHARE));
  const isKept = new Set(kept);
  const others = named.filter((device) => !isKept.has(device));
  const each = room - kept.length;
  const pages = Math.max(1, Math.ceil(others.length / each));
  const page = Math.floor(nowMs.value / TURN_MS) % pages;
  return { devices: [...kept, ...others.slice(page * each, (page + 1) * each)], page, pages };
}

function Tile({ device }: { device: LiveDevice }) {
  device.changed.value;
  const metrics = device.shown;
  const [main] = metrics;
  return (
    <section class="tile-wall" data-device={device.id} data-state={device.state(judgedAtMs.value)}>
      <header>
        <h2 title={deviceName(device)}>
          <bdi>{deviceName(device)}</bdi>
        </h2>
        <StateMark device={device} />
      </header>
      {main === undefined ? <p class="dim">{text.fleet.noReadings}</p> : null}
      <dl hidden={main === undefined}>
        {metrics.map((metric) => (
          <div key={metric.name} class={device.isStale(metric, judgedAtMs.value) ? 'is-stale' : undefined}>
            <dt>
              <bdi>{metricLabel(metric.name)}</bdi>
            </dt>
            <dd>
              <MetricValue metric={metric} />
            </dd>
          </div>
        ))}
      </dl>
      {main === undefined || typeof main.value === 'string' ? null : <Spark metric={main} />}
    </section>
  );
}
