// The panels beside the charts: events, the open connection, and what is set on the device.
import { nowMs } from '../clock.ts';
import { formatAge, formatDate, formatFull, formatMoment, formatNumber, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { EventLine } from '../parts/event-log.tsx';
import { Fact } from './fact.tsx';
import type { DeviceFacts } from './use-device.ts';

export function EventsPanel({ facts: { events, moreEvents } }: { facts: DeviceFacts }) {
  const words = text.device.events;
  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      {events === null || events.length === 0 ? (
        <p class="panel-note">{events === null ? text.loading : words.empty}</p>
      ) : (
        <ul class="event-log">
          {events.map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
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
