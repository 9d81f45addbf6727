// The Fleet page: which devices are live, late, silent or offline, and what each measures. What is shown stands in the address.
import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { judgedAtMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icon.tsx';
import { StateDot } from '../parts/state-mark.tsx';
import { may } from '../session.ts';
import { AddDeviceDialog } from './add-device-dialog.tsx';
import { FleetList } from './fleet-list.tsx';
import { byName, countStates, listDevices } from './fleet-order.ts';
import type { StateCounts } from './fleet-order.ts';
import { SORT_KEYS, readFleetQuery, writeFleetQuery } from './fleet-query.ts';
import type { FleetQuery, SortKey } from './fleet-query.ts';
import { FleetStrip } from './fleet-strip.tsx';

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
  const [isAdding, setAdding] = useState(false);
  const query = readFleetQuery(url);
  const all = fleet.list.value;
  const now = judgedAtMs.value;
  const named = useMemo(() => byName(all), [all]);
  const counts = countStates(all, now);
  const devices = useSteady(listDevices(named, query, now));

  useEffect(() => {
    document.title = `${text.fleet.title} · ${text.product}`;
    void fleet.load();
    return fleet.follow(['*'], () => void fleet.load());
  }, [fleet]);

  const change = (next: FleetQuery): void => route(writeFleetQuery(next), true);
  const isFiltered = query.q !== '' || query.state !== null || query.tag !== '';
  const addButton = may('operator') ? (
    <button type="button" class="btn primary" onClick={() => setAdding(true)}>
      <Icon name="plus" />
      {text.fleet.add}
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
        <div class="end">{all.length > 0 ? addButton : null}</div>
      </div>
      {all.length > 0 ? <FleetStrip counts={counts} all={all.length} /> : null}
      {all.length > 0 ? <Filters query={query} counts={counts} all={all.length} onChange={change} /> : null}
      {devices.length > 0 ? <FleetList devices={devices} query={query} onChange={change} /> : null}
      {devices.length === 0 && all.length > 0 ? (
        <Empty title={text.fleet.noMatch.title} body={text.fleet.noMatch.body}>
          <button type="button" class="btn" onClick={() => change({ ...query, q: '', state: null, tag: '' })}>
            {text.fleet.noMatch.clear}
          </button>
        </Empty>
      ) : null}
      {all.length === 0 ? <NoDevices>{addButton}</NoDevices> : null}
      {isAdding ? <AddDeviceDialog onClose={() => setAdding(false)} /> : null}
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

interface FiltersProps {
  readonly query: FleetQuery;
  readonly counts: StateCounts;
  readonly all: number;
  readonly onChange: (query: FleetQuery) => void;
}

function Filters({ query, counts, all, onChange }: FiltersProps) {
  // a state nobody is in needs no chip, except the usual ones and the one chosen
  const states = (['live', 'late', 'silent', 'offline', 'suspended'] as const).filter(
    (state) => state !== 'suspended' || counts[state] > 0 || query.state === state,
  );
  return (
    <div class="filters">
      <input
        class="phone-search"
        type="search"
        aria-label={text.nav.search}
        placeholder={text.nav.searchShort}
        value={query.q}
        onInput={(event) => onChange({ ...query, q: event.currentTarget.value })}
        autocomplete="off"
        spellcheck={false}
      />
      <div class="chips" role="group" aria-label={text.fleet.filter}>
        <button type="button" class="chip" aria-pressed={query.state === null} onClick={() => onChange({ ...query, state: null })}>
          {text.fleet.all} <b>{formatNumber(all)}</b>
        </button>
        {states.map((state) => (
          <button
            type="button"
            key={state}
            class="chip"
            aria-pressed={query.state === state}
            onClick={() => onChange({ ...query, state: query.state === state ? null : state })}
          >
            <StateDot state={state} />
            {text.state[state]} <b>{formatNumber(counts[state])}</b>
          </button>
        ))}
        {query.tag === '' ? null : (
          <button
            type="button"
            class="chip"
            aria-pressed="true"
            title={text.fleet.dropTag(query.tag)}
            onClick={() => onChange({ ...query, tag: '' })}
          >
            <bdi>{query.tag}</bdi>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div class="sort">
        <select
          aria-label={text.fleet.sortBy}
          value={query.sort}
          onChange={(event) => onChange({ ...query, sort: event.currentTarget.value as SortKey })}
        >
          {SORT_KEYS.map((key) => (
            <option key={key} value={key}>
              {text.fleet.sort[key]}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="btn square"
          aria-label={query.isDescending ? text.fleet.descending : text.fleet.ascending}
          title={query.isDescending ? text.fleet.descending : text.fleet.ascending}
          onClick={() => onChange({ ...query, isDescending: !query.isDescending })}
        >
          <Icon name={query.isDescending ? 'down' : 'up'} />
        </button>
      </div>
    </div>
  );
}
