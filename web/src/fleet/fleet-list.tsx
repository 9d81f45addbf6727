// The list of devices: only the rows near the screen exist. Its head sorts.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Icon } from '../parts/icon.tsx';
import type { FleetQuery, SortKey } from './fleet-query.ts';
import { FleetRow } from './fleet-row.tsx';
import { useVirtualRows } from './use-virtual-rows.ts';

/** Heights in rem, the same as --row in fleet.css; a card's is with the space below it. */
const ROW_REM = 3.75;
const CARD_REM = 7.5;
const CARDS = '(max-width: 640px)';
/** History is asked for once scrolling rests. */
const SEED_AFTER_MS = 150;

function useRowPx(): number {
  const measure = (): number =>
    Number.parseFloat(getComputedStyle(document.documentElement).fontSize) * (matchMedia(CARDS).matches ? CARD_REM : ROW_REM);
  const [rowPx, setRowPx] = useState(measure);
  useEffect(() => {
    const update = (): void => setRowPx(measure());
    addEventListener('resize', update);
    return () => removeEventListener('resize', update);
  }, []);
  return rowPx;
}

interface FleetListProps {
  readonly devices: readonly LiveDevice[];
  readonly query: FleetQuery;
  readonly onChange: (query: FleetQuery) => void;
}

export function FleetList({ devices, query, onChange }: FleetListProps) {
  const { fleet } = useConnected();
  const body = useRef<HTMLDivElement>(null);
  const { rows, totalPx, offsetPx } = useVirtualRows(body, devices.length, useRowPx());
  const present = rows.flatMap(({ index }) => devices[index] ?? []);
  const presentIds = present.map(({ id, shown }) => `${id}:${shown.length}`).join();
  useEffect(() => {
    const timer = setTimeout(() => void fleet.seed(present), SEED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [presentIds]);
  const onTag = (tag: string): void => (query.tags.includes(tag) ? undefined : onChange({ ...query, tags: [...query.tags, tag] }));

  return (
    <div class="panel fleet-list" role="table" aria-label={text.fleet.table} aria-rowcount={devices.length + 1}>
      <div role="rowgroup">
        <div class="row head" role="row" aria-rowindex={1}>
          <Head sort="state" query={query} onChange={onChange} place="cell-state" label={text.fleet.column.state} />
          <Head sort="name" query={query} onChange={onChange} place="cell-device" label={text.fleet.column.device} />
          <Head sort="value" query={query} onChange={onChange} place="cell-value main" label={text.fleet.column.main} />
          <span class="cell-spark main" role="columnheader">
            {text.fleet.column.hour}
          </span>
          <span class="cell-value second" role="columnheader">
            {text.fleet.column.second}
          </span>
          <span class="cell-spark second" role="columnheader">
            {text.fleet.column.hour}
          </span>
          <Head sort="rate" query={query} onChange={onChange} place="cell-rate" label={text.fleet.column.rate} />
        </div>
      </div>
      <div ref={body} role="rowgroup" class="rows" style={{ height: `${totalPx}px` }}>
        <div role="presentation" style={{ transform: `translateY(${offsetPx}px)` }}>
          {rows.map(({ index, slot }) => {
            const device = devices[index];
            return device === undefined ? null : <FleetRow key={slot} device={device} index={index} onTag={onTag} />;
          })}
        </div>
      </div>
    </div>
  );
}

interface HeadProps {
  readonly sort: SortKey;
  readonly query: FleetQuery;
  readonly onChange: (query: FleetQuery) => void;
  readonly place: string;
  readonly label: string;
}

function Head({ sort, query, onChange, place, label }: HeadProps) {
  const isSorted = query.sort === sort;
  const direction = isSorted ? (query.isDescending ? 'descending' : 'ascending') : 'none';
  return (
    <span class={place} role="columnheader" aria-sort={direction}>
      <button
        type="button"
        title={`${text.fleet.sortBy}: ${text.fleet.sort[sort]}`}
        onClick={() => onChange({ ...query, sort, isDescending: isSorted ? !query.isDescending : sort === 'value' || sort === 'rate' })}
      >
        {label}
        {isSorted ? <Icon name={query.isDescending ? 'down' : 'up'} /> : null}
      </button>
    </span>
  );
}
