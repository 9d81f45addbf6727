// Who did what, for admins: the audit.
import { api } from '../api.ts';
import { formatFull, formatInstant } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { usePages } from '../parts/use-pages.ts';
import { byDay } from './days.ts';

const EVERY_MS = 5000;
const PAGE = 100;

export function ActsView() {
  const words = text.eventsPage;
  const { phase, items, fault, isBusy, older, refresh } = usePages({
    key: 'acts',
    page: (next) => api.get('/v1/audit', { query: { limit: PAGE, next } }),
    everyMs: EVERY_MS,
  });
  if (phase === 'loading') return <div class="skeleton" role="status" aria-label={text.loading} />;
  if (phase === 'failed') {
    return (
      <Empty title={words.loadFailed} body={fault}>
        <button type="button" class="btn" onClick={refresh}>
          {words.again}
        </button>
      </Empty>
    );
  }
  return (
    <section class="panel events" aria-label={words.actsList}>
      {byDay(items).map((day) => (
        <div key={day.name}>
          <h2>{day.name}</h2>
          <ol class="event-log acts-log">
            {day.items.map(({ id, atMs, actor, act, target, detail, address }) => (
              <li key={id} data-act={act}>
                <time title={formatFull(atMs)} dateTime={new Date(atMs).toISOString()}>
                  {formatInstant(atMs)}
                </time>
                <i aria-hidden="true" />
                <span>
                  <b>{text.acts[act] ?? act}</b>{' '}
                  <span class="dim">
                    <bdi>{target}</bdi> {detail === '' ? null : <bdi>· {detail}</bdi>}
                  </span>
                </span>
                <span class="event-end dim">
                  <bdi>{words.by(actor)}</bdi> {address === '' || address === actor ? null : <bdi>{words.from(address)}</bdi>}
                </span>
              </li>
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
  );
}
