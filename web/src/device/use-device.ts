// What the Device page reads by REST: the device itself, its books and events. Read again when the device comes or goes, when the
// connection is back, and every ten seconds while the page is seen.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { AccountingRow, DeviceView, EventView, SeriesView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { useConnected } from '../connected.ts';

export interface DeviceFacts {
  readonly phase: 'loading' | 'ready' | 'missing' | 'failed';
  readonly view: DeviceView | null;
  readonly series: readonly SeriesView[];
  readonly books: readonly AccountingRow[] | null;
  readonly events: readonly EventView[] | null;
  readonly moreEvents: (() => void) | null;
  refresh(): void;
}

const EVERY_MS = 10_000;
const EVENTS = 20;

interface Answers {
  readonly phase: DeviceFacts['phase'];
  readonly view: DeviceView | null;
  readonly series: readonly SeriesView[];
  readonly books: readonly AccountingRow[] | null;
  readonly events: readonly EventView[] | null;
  readonly hasMore: boolean;
}
const NOTHING: Answers = { phase: 'loading', view: null, series: [], books: null, events: null, hasMore: false };

export function useDevice(id: string): DeviceFacts {
  const { fleet } = useConnected();
  const [answers, setAnswers] = useState<Answers>(NOTHING);
  const [eventRows, setEventRows] = useState(EVENTS);
  const turn = useRef(0);

  const refresh = useCallback(async (): Promise<void> => {
    const mine = ++turn.current;
    const params = { id };
    try {
      const [view, series, books, events] = await Promise.all([
        api.get('/v1/devices/:id', { params }),
        api.get('/v1/devices/:id/series', { params }),
        api.get('/v1/accounting', { query: { device: id } }),
        api.get('/v1/events', { query: { device: id, limit: eventRows } }),
      ]);
      if (mine !== turn.current) return;
      fleet.put(view);
      setAnswers({ phase: 'ready', view, series: series.items, books: books.items, events: events.items, hasMore: events.next !== null });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine !== turn.current) return;
      if (error.status === 404) setAnswers({ ...NOTHING, phase: 'missing' });
      else setAnswers((now) => (now.view === null ? { ...now, phase: 'failed' } : now));
    }
  }, [id, eventRows, fleet]);

  useEffect(() => {
    void refresh();
    const timer = setInterval(() => document.visibilityState === 'visible' && void refresh(), EVERY_MS);
    return () => {
      turn.current++;
      clearInterval(timer);
    };
  }, [refresh]);

  const { hasMore, ...facts } = answers;
  return { ...facts, moreEvents: hasMore ? () => setEventRows(eventRows + 50) : null, refresh: () => void refresh() };
}
