// The panels beside the charts: books, events, the open connection, and what is set on the device.
import { nowMs } from '../clock.ts';
import { formatAge, formatDate, formatFull, formatMoment, formatNumber, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { eventWords } from './event-words.ts';
import type { DeviceFacts } from './use-device.ts';

export function BooksPanel({ facts: { books } }: { facts: DeviceFacts }) {
  const words = text.device.books;
  const rows = books ?? [];
  const sum = (field: 'settled' | 'stored' | 'quarantined' | 'gaps' | 'unexplained' | 'readings' | 'refused'): number =>
    rows.reduce((total, row) => total + row[field], 0);
  const unexplained = sum('unexplained');
  const refused = sum('refused');
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        {rows.length > 0 ? <span class="end dim">{words.streams(rows.length)}</span> : null}
      </header>
      {rows.length === 0 ? (
        <p class="panel-note">{books === null ? text.loading : words.empty}</p>
      ) : (
        <>
          <dl class="kv">
            <Fact name={words.settled} value={formatNumber(sum('settled'))} isTotal />
            <Fact name={words.stored} value={formatNumber(sum('stored'))} />
            <Fact name={words.quarantined} value={formatNumber(sum('quarantined'))} />
            <Fact name={words.gaps} value={formatNumber(sum('gaps'))} />
            <Fact name={words.unexplained} value={formatNumber(unexplained)} tone={unexplained === 0 ? 'is-live' : 'is-silent'} />
            <Fact name={words.readings} value={formatNumber(sum('readings'))} isTotal />
            {refused > 0 ? <Fact name={words.refused} value={formatNumber(refused)} /> : null}
          </dl>
          <ul class="streams">
            {rows.slice(0, 6).map((row) => (
              <li key={row.stream}>
                <span class="mono" title={row.stream}>
                  {row.stream.length > 14 ? `${row.stream.slice(0, 12)}…` : row.stream}
                </span>
                <span class="dim">{words.reserved[row.stream] ?? words.upTo(formatNumber(row.acked))}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Fact({
  name,
  value,
  tone = '',
  isTotal = false,
  isMono = false,
}: {
  name: string;
  value: string;
  tone?: string;
  isTotal?: boolean;
  isMono?: boolean;
}) {
  return (
    <div class={isTotal ? 'is-total' : ''}>
      <dt>{name}</dt>
      <dd class={`${tone} ${isMono ? 'mono' : ''}`}>{value}</dd>
    </div>
  );
}

export function EventsPanel({ facts: { events, moreEvents } }: { facts: DeviceFacts }) {
  const words = text.device.events;
  const now = nowMs.value;
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      {events === null || events.length === 0 ? (
        <p class="panel-note">{events === null ? text.loading : words.empty}</p>
      ) : (
        <ul class="log">
          {events.map((event) => {
            const { title, detail, tone } = eventWords(event);
            return (
              <li key={event.id} class={`is-${tone}`}>
                <time title={formatFull(event.atMs)} dateTime={new Date(event.atMs).toISOString()}>
                  {formatMoment(event.atMs, now)}
                </time>
                <i aria-hidden="true" />
                <span>
                  <b>{title}</b> <bdi class="dim">{detail}</bdi>
                </span>
              </li>
            );
          })}
        </ul>
      )}
      {moreEvents === null ? null : (
        <p class="panel-more">
          <button type="button" class="btn small" onClick={moreEvents}>
            {words.more}
          </button>
        </p>
      )}
    </section>
  );
}

export function ConnectionPanel({ facts: { view } }: { facts: DeviceFacts }) {
  const words = text.device.connection;
  const connection = view?.connection;
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      {connection == null ? (
        <p class="panel-note">{view === null ? text.loading : words.none}</p>
      ) : (
        <dl class="kv">
          <Fact name={words.address} value={connection.address} isMono />
          <Fact name={words.since} value={formatFull(Date.parse(connection.connectedAt))} />
          <Fact
            name={words.stream}
            value={connection.stream === null ? words.bare : `${connection.stream.slice(0, 12)}…`}
            isMono={connection.stream !== null}
          />
          <Fact name={words.software} value={connection.software ?? words.unknown} />
          <Fact
            name={words.roundTrip}
            value={
              connection.roundTripMs === null
                ? text.none
                : `${formatNumber(connection.roundTripMs, connection.roundTripMs < 10 ? 1 : 0)} ms`
            }
          />
          <Fact name={words.inFlight} value={words.frames(formatNumber(connection.inFlight))} />
        </dl>
      )}
    </section>
  );
}

export function AboutPanel({ device, facts: { view } }: { device: LiveDevice; facts: DeviceFacts }) {
  const words = text.device.about;
  const shown = view ?? device.view;
  const now = nowMs.value;
  const seen = device.expectedMs;
  const expected =
    shown.expectEverySeconds !== null
      ? formatSpan(shown.expectEverySeconds * 1000)
      : seen === null
        ? text.none
        : words.expectAuto(formatSpan(Number(seen.toPrecision(2))));
  const tokens = shown.tokens ?? [];
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      <dl class="kv">
        <Fact name={words.created} value={formatDate(Date.parse(shown.createdAt))} />
        {shown.location === '' ? null : <Fact name={words.location} value={shown.location} />}
        <Fact name={words.expect} value={expected} />
        <Fact name={words.clock} value={shown.clock === 'device' ? words.clockDevice : words.clockGateway} />
        {tokens.map((token) => (
          <Fact
            key={token.id}
            name={words.token}
            value={
              token.expiresAt === null
                ? words.tokenMade(formatAge(now - Date.parse(token.createdAt)))
                : words.tokenUntil(formatMoment(Date.parse(token.expiresAt), now))
            }
          />
        ))}
      </dl>
      {shown.notes === '' ? null : (
        <p class="notes">
          <bdi>{shown.notes}</bdi>
        </p>
      )}
    </section>
  );
}
