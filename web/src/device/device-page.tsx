// The Device page: live values, charts in which history goes over into live, and everything the gateway knows about the device.
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { TimeView } from '../chart/time-axis.ts';
import { defaultView } from '../chart/time-query.ts';
import { nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatAge } from '../format.ts';
import { deviceName } from '../fleet/fleet-order.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Empty } from '../parts/empty.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { may } from '../session.ts';
import { BooksPanel } from './books-panel.tsx';
import { AboutPanel, ConnectionPanel, EventsPanel } from './device-panels.tsx';
import { DeviceActions } from './device-actions.tsx';
import { DoubtsPanel } from './doubts-panel.tsx';
import { FramesPanel } from './frames-panel.tsx';
import { MetricTiles } from './metric-tiles.tsx';
import { RefusedPanel } from './refused-panel.tsx';
import { SessionsPanel } from './sessions-panel.tsx';
import { DeviceCharts } from './device-charts.tsx';
import { readDeviceQuery, writeDeviceQuery } from './device-query.ts';
import { useDevice } from './use-device.ts';
import type { DeviceFacts } from './use-device.ts';

export function DevicePage({ id }: { id?: string }) {
  return id === undefined ? null : <DeviceById key={id} id={id} />;
}

function DeviceById({ id }: { id: string }) {
  const { fleet } = useConnected();
  const facts = useDevice(id);
  const { refresh } = facts;
  useEffect(() => fleet.follow([id], refresh), [fleet, id]);
  fleet.list.value;
  const device = fleet.get(id);

  useEffect(() => {
    document.title = `${device === undefined ? id : deviceName(device)} · ${text.product}`;
  }, [id, device?.view.label]);

  if (facts.phase === 'missing') {
    return (
      <Empty isPage title={text.device.missing.title} body={text.device.missing.body}>
        <a class="btn primary" href="/">
          {text.device.missing.back}
        </a>
      </Empty>
    );
  }
  if (facts.phase === 'failed' && device === undefined) {
    return (
      <Empty isPage title={text.device.loadFailed} body={text.problem.unreachable}>
        <button type="button" class="btn" onClick={refresh}>
          {text.fleet.again}
        </button>
      </Empty>
    );
  }
  if (device === undefined) return <div class="skeleton" role="status" aria-label={text.loading} />;
  return <DeviceShown device={device} facts={facts} />;
}

function DeviceShown({ device, facts }: { device: LiveDevice; facts: DeviceFacts }) {
  const { fleet } = useConnected();
  const { url, route } = useLocation();
  const online = device.isOnline;
  const known = device.metrics.size;

  // the tiles' last hour, and again when a metric joins
  useEffect(() => void fleet.seed([device], (one) => [...one.metrics.values()]), [device, known]);
  useEffect(() => {
    if (facts.phase === 'ready') facts.refresh();
  }, [online]);

  const query = readDeviceQuery(url);
  const all = [...device.metrics.values()];
  const first = device.shown[0];
  const named = query.metrics.flatMap((name) => device.metrics.get(name) ?? []);
  const chosen = query.metrics.length > 0 ? named : first === undefined ? [] : [first];
  const firstMs = facts.series.length === 0 ? null : Math.min(...facts.series.map((series) => series.firstMs));
  // what the page opens with stays, though the device grows older
  const [home, setHome] = useState<TimeView | null>(null);
  useEffect(() => {
    if (facts.phase === 'ready') setHome((known) => known ?? defaultView(firstMs, nowMs.peek()));
  }, [facts.phase]);
  const change = (next: Partial<typeof query>): void => route(writeDeviceQuery(device.id, { ...query, ...next }), true);
  const toggle = (name: string): void => {
    const names = chosen.map((metric) => metric.name);
    const next = names.includes(name) ? names.filter((one) => one !== name) : [...names, name];
    change({ metrics: next.length === 0 ? [name] : next });
  };

  const toggleTable = (name: string): void =>
    change({ tables: query.tables.includes(name) ? query.tables.filter((one) => one !== name) : [...query.tables, name] });

  return (
    <>
      <Head device={device} facts={facts} />
      {all.length === 0 ? (
        <Empty title={text.device.noMetrics.title} body={text.device.noMetrics.body} />
      ) : (
        <MetricTiles device={device} chosen={chosen} onToggle={toggle} />
      )}
      <div class="two">
        <div class="stack">
          {chosen.length > 0 && home !== null ? (
            <DeviceCharts
              device={device}
              chosen={chosen}
              asked={query.view}
              home={home}
              tables={query.tables}
              onView={(view) => change({ view })}
              onTable={toggleTable}
            />
          ) : null}
          <EventsPanel facts={facts} />
          <SessionsPanel id={device.id} />
          {may('operator') ? (
            <>
              <RefusedPanel id={device.id} />
              <FramesPanel id={device.id} />
            </>
          ) : null}
        </div>
        <div class="stack">
          <BooksPanel facts={facts} />
          <ConnectionPanel facts={facts} />
          <DoubtsPanel facts={facts} />
          <AboutPanel device={device} facts={facts} />
        </div>
      </div>
    </>
  );
}

function Head({ device, facts }: { device: LiveDevice; facts: DeviceFacts }) {
  device.changed.value;
  const { view } = device;
  const connectedAt = facts.view?.connection?.connectedAt;
  return (
    <div class="page-head device-head">
      <div class="title">
        <nav class="crumbs" aria-label={text.device.back}>
          <a href="/">{text.device.back}</a>
          <span aria-hidden="true">/</span>
          <span class="mono">{device.id}</span>
        </nav>
        <div class="name-row">
          <h1>
            <bdi>{deviceName(device)}</bdi>
          </h1>
          <div class="meta">
            <StateMark device={device} />
            {device.isOnline && connectedAt !== undefined ? (
              <span class="dim">{text.device.connectedFor(formatAge(nowMs.value - Date.parse(connectedAt)))}</span>
            ) : null}
            {view.tags.map((tag) => (
              <a class="tag" key={tag} href={`/?tag=${encodeURIComponent(tag)}`} title={text.fleet.tag(tag)}>
                <bdi>{tag}</bdi>
              </a>
            ))}
          </div>
        </div>
      </div>
      {may('operator') ? <DeviceActions device={device} facts={facts} /> : null}
    </div>
  );
}
