// The Events page: what happened, newest first, by kind, device and time; for admins also who did what.
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { EventLine } from '../parts/event-log.tsx';
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { usePages } from '../parts/use-pages.ts';
import { may } from '../session.ts';
import '../styles/events.css';
import { ActsView } from './acts-view.tsx';
import { byDay } from './days.ts';
import { KINDS, NO_FILTER, RANGES, readEventsQuery, typesOf, writeEventsQuery } from './events-query.ts';
import type { EventsQuery } from './events-query.ts';

const EVERY_MS = 2000;
const PAGE = 100;

export function EventsPage() {
  const { url, route } = useLocation();
  const query = readEventsQuery(url);
  const words = text.eventsPage;
  useEffect(() => {
    document.title = `${words.title} · ${text.product}`;
  }, []);
  const change = (next: Partial<EventsQuery>): void => route(writeEventsQuery({ ...query, ...next }), true);
  return (
    <>
      <div class="page-head">
        <h1>{words.title}</h1>
        <div class="end">
          {may('admin') ? (
            <Segments
              label={words.view}
              choices={[
                { value: 'events', label: words.views.events },
                { value: 'acts', label: words.views.acts },
              ]}
              value={query.view}
              onChange={(view) => change({ ...NO_FILTER, view })}
            />
          ) : null}
        </div>
      </div>
      {query.view === 'acts' && may('admin') ? <ActsView /> : <EventsView query={query} onChange={change} />}
    </>
  );
}

interface ViewProps {
  readonly query: EventsQuery;
  readonly onChange: (next: Partial<EventsQuery>) => void;
}

function EventsView({ query, onChange }: ViewProps) {
  const words = text.eventsPage;
  const { kind, device, range, event } = query;
  const ask = {
    limit: PAGE,
    device: device === '' ? undefined : device,
    type: typesOf(kind),
    from: range === 'all' ? undefined : `now-${range}`,
    upTo: event ?? undefined,
  };
  const { phase, items, fault, isBusy, older, refresh } = usePages({
    key: JSON.stringify(ask),
    page: (next) => api.get('/v1/events', { query: { ...ask, next } }),
    // what came before an event does not change
    everyMs: event === null ? EVERY_MS : null,
  });
  return (
    <>
      <Filters query={query} onChange={onChange} />
      {event === null ? null : (
        <p class="notice events-linked">
          <Icon name="link" />
          <span>{words.linked}</span>
          <button type="button" class="btn small" onClick={() => onChange({ event: null })}>
            {words.newest}
          </button>
        </p>
      )}
      {phase === 'loading' ? <div class="skeleton" role="status" aria-label={text.loading} /> : null}
      {phase === 'failed' ? (
        <Empty title={words.loadFailed} body={fault}>
          <button type="button" class="btn" onClick={refresh}>
            {words.again}
          </button>
        </Empty>
      ) : null}
      {phase === 'ready' && items.length === 0 ? <NoEvents query={query} onChange={onChange} /> : null}
      {items.length === 0 ? null : (
        <section class="panel events" aria-label={words.list}>
          {byDay(items).map((day) => (
            <div key={day.name}>
              <h2>{day.name}</h2>
              <ol class="event-log">
                {day.items.map((one) => (
                  <EventLine key={one.id} event={one} hasDay isMarked={one.id === event}>
                    <span class="event-end">
                      {one.device === null ? (
                        <span class="dim">{words.gateway}</span>
                      ) : (
                        <a class="event-device" title={one.device} href={`/devices/${encodeURIComponent(one.device)}`}>
                          <bdi>{one.device}</bdi>
                        </a>
                      )}
                      <a
                        class="event-link"
                        href={writeEventsQuery({ ...query, event: one.id })}
                        aria-label={words.permalink}
                        title={words.permalink}
                      >
                        <Icon name="link" />
                      </a>
                    </span>
                  </EventLine>
                ))}
              </ol>
            </div>
          ))}
          {older === null ? null : (
            <p class="events-more">
              <button type="button" class="btn small" disabled={isBusy} onClick={older}>
                {isBusy ? text.loading : words.older}
              </button>
            </p>
          )}
        </section>
      )}
    </>
  );
}

function Filters({ query, onChange }: ViewProps) {
  const { fleet } = useConnected();
  const words = text.eventsPage;
  useEffect(() => void fleet.load(), [fleet]);
  const ids = fleet.list.value.map(({ id }) => id).sort();
  // one that was removed has events all the same
  const devices = query.device === '' || ids.includes(query.device) ? ids : [query.device, ...ids];
  return (
    <div class="filters events-filters">
      <div class="chips" role="group" aria-label={words.group}>
        {KINDS.map((kind) => (
          <button type="button" key={kind} class="chip" aria-pressed={query.kind === kind} onClick={() => onChange({ kind, event: null })}>
            {words.groups[kind]}
          </button>
        ))}
      </div>
      <div class="events-selects">
        <select
          aria-label={words.device}
          value={query.device}
          onChange={(event) => onChange({ device: event.currentTarget.value, event: null })}
        >
          <option value="">{words.anyDevice}</option>
          {devices.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
        <select
          aria-label={words.range}
          value={query.range}
          onChange={(event) => onChange({ range: RANGES.find((one) => one === event.currentTarget.value) ?? 'all', event: null })}
        >
          {RANGES.map((range) => (
            <option key={range} value={range}>
              {words.ranges[range]}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function NoEvents({ query, onChange }: ViewProps) {
  const words = text.eventsPage;
  if (writeEventsQuery(query) === '/events') return <Empty title={words.empty.title} body={words.empty.body} />;
  return (
    <Empty title={words.noMatch.title} body={words.noMatch.body}>
      <button type="button" class="btn" onClick={() => onChange(NO_FILTER)}>
        {words.noMatch.clear}
      </button>
    </Empty>
  );
}
