// The Fleet page: which devices are live, late, silent or offline, and what each measures. What is shown stands in the address.
import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { judgedAtMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { lazyPage } from '../lazy-page.tsx';
import type { LiveDevice } from '../live-device.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icon.tsx';
import { may } from '../session.ts';
import { DemoBar, StartDemo } from './demo-bar.tsx';
import { FleetList } from './fleet-list.tsx';
import { countStates, countTags, createNameOrder, listDevices } from './fleet-order.ts';
import { readFleetQuery, writeFleetQuery } from './fleet-query.ts';
import type { FleetQuery } from './fleet-query.ts';
import { FleetFilters } from './fleet-filters.tsx';
import { FleetStrip } from './fleet-strip.tsx';

const AddDeviceDialog = lazyPage(() => import('./add-device-dialog.tsx').then((module) => module.AddDeviceDialog));
const PairDialog = lazyPage(() => import('./pair-dialog.tsx').then((module) => module.PairDialog));

/** Keeps the list when its order came out the same, so that the second's tick does not draw it again. */
function useSteady(devices: readonly LiveDevice[]): readonly LiveDevice[] {
  const held = useRef(devices);
  const isSame = held.current.length === devices.length && devices.every((device, index) => device === held.current[index]);
  if (!isSame) held.current = devices;
  return held.current;
}

export function FleetPage() {
  const { fleet } = useConnected();
  const { url, route } = useLocation();
  const [open, setOpen] = useState<'add' | 'pair' | null>(null);
  const query = readFleetQuery(url);
  const all = fleet.list.value;
  const now = judgedAtMs.value;
  const [byName] = useState(createNameOrder);
  const named = useMemo(() => byName(all), [all]);
  const tags = useMemo(() => countTags(all), [all]);
  const counts = countStates(all, now);
  const devices = useSteady(listDevices(named, query, now));

  useEffect(() => {
    document.title = `${text.fleet.title} · ${text.product}`;
    void fleet.load();
    if (may('operator')) void AddDeviceDialog.preload().catch(() => undefined);
    return fleet.follow(['*'], () => void fleet.load());
  }, [fleet]);

  const change = (next: FleetQuery): void => route(writeFleetQuery(next), true);
  const isFiltered = query.q !== '' || query.state !== null || query.tags.length > 0;
  const addButton = may('operator') ? (
    <button type="button" class="btn primary" onClick={() => setOpen('add')}>
      <Icon name="plus" />
      {text.fleet.add}
    </button>
  ) : null;
  const pairButton = may('operator') ? (
    <button type="button" class="btn" onClick={() => setOpen('pair')}>
      <Icon name="link" />
      {text.pair.button}
    </button>
  ) : null;

  return (
    <>
      <div class="page-head">
        <h1>{text.fleet.title}</h1>
        <span class="dim">
          {isFiltered
            ? text.fleet.shown(formatNumber(devices.length), formatNumber(all.length))
            : text.fleet.devices(formatNumber(all.length), all.length)}
        </span>
        <div class="end">
          {all.length > 0 ? pairButton : null}
          {all.length > 0 ? addButton : null}
        </div>
      </div>
      <DemoBar />
      {all.length > 0 ? <FleetStrip counts={counts} all={all.length} /> : null}
      {all.length > 0 ? <FleetFilters query={query} counts={counts} tags={tags} all={all.length} onChange={change} /> : null}
      {devices.length > 0 ? <FleetList devices={devices} query={query} onChange={change} /> : null}
      {devices.length === 0 && all.length > 0 ? (
        <Empty title={text.fleet.noMatch.title} body={text.fleet.noMatch.body}>
          <button type="button" class="btn" onClick={() => change({ ...query, q: '', state: null, tags: [] })}>
            {text.fleet.noMatch.clear}
          </button>
        </Empty>
      ) : null}
      {all.length === 0 ? (
        <NoDevices>
          <div class="choices">
            {addButton}
            {pairButton}
            {may('operator') ? <StartDemo /> : null}
          </div>
        </NoDevices>
      ) : null}
      {open === 'add' ? <AddDeviceDialog onClose={() => setOpen(null)} /> : null}
      {open === 'pair' ? <PairDialog onClose={() => setOpen(null)} /> : null}
    </>
  );
}

function NoDevices({ children }: { children: preact.ComponentChildren }) {
  const { fleet } = useConnected();
  if (fleet.loading.value === 'loading') return <div class="skeleton" role="status" aria-label={text.loading} />;
  if (fleet.loading.value === 'failed') {
    return (
      <Empty title={text.fleet.loadFailed} body={text.problem.unreachable}>
        <button type="button" class="btn" onClick={fleet.load}>
          {text.fleet.again}
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={text.fleet.empty.title} body={may('operator') ? text.fleet.empty.body : text.fleet.empty.viewer}>
      {children}
    </Empty>
  );
}
