// The chosen series as charts want them: their labels and units as the gateway tells, their place among the colours, and how long each may
// be silent before its value is called stale.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SeriesFound } from '../../../gateway/protocol/rest.ts';
import { unitSymbol } from '../../../gateway/protocol/units.ts';
import { ApiError, api } from '../api.ts';
import { seriesName } from '../chart/chart-series.ts';
import type { ChartSeries } from '../chart/chart-series.ts';
import { judgedAtMs } from '../clock.ts';
import { createScale, feedScale } from '../format.ts';
import { metricLabel } from '../parts/value.tsx';

export interface Explored extends ChartSeries {
  /** Null: the gateway knows none of this name. */
  readonly found: SeriesFound | null;
  readonly metricText: string;
  readonly deviceText: string;
  /** When its newest value came, as far as known. */
  heardMs(): number;
}
export interface ExploredSeries {
  readonly series: readonly Explored[];
  /** Told by the gateway; before, labels and units are only guessed. */
  readonly isKnown: boolean;
}
/** What a feed knows of them by now; asked late, since the feed is made of the series. */
export interface Heard {
  latest(key: string): { readonly heardMs: number } | undefined;
  window(key: string): { gapMs(expectedMs: number | null): number } | null;
}

/** A value is not called stale for a pause that nobody would notice. */
const LEAST_STALE_MS = 10_000;
const STALE_AFTER = 5;

export function useExplored(keys: readonly string[], heard: { current: Heard | null }): ExploredSeries {
  const [found, setFound] = useState<ReadonlyMap<string, SeriesFound>>(new Map());
  const [told, setTold] = useState('');
  const made = useRef(new Map<string, Explored>());
  const slots = useRef(new Map<string, number>());
  const asked = keys.join(' ');

  useEffect(() => {
    if (keys.length === 0) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const answer = await api.get('/v1/series', { query: { series: keys, limit: keys.length }, signal: abort.signal });
        setFound(new Map(answer.items.map((one) => [`${one.device}/${one.metric}`, one])));
        setTold(asked);
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        timer = setTimeout(ask, 3000);
      }
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [asked]);

  // a series keeps its colour when another one goes
  for (const key of slots.current.keys()) if (!keys.includes(key)) slots.current.delete(key);
  for (const key of keys) {
    if (slots.current.has(key)) continue;
    const taken = new Set(slots.current.values());
    let slot = 0;
    while (taken.has(slot)) slot++;
    slots.current.set(key, slot);
  }

  const series = keys.flatMap((key): Explored[] => {
    const one = found.get(key) ?? null;
    const slot = slots.current.get(key) ?? 0;
    const known = made.current.get(key);
    if (known !== undefined && known.found === one && known.slot === slot) return [known];
    const next = exploredOf(key, one, slot, heard);
    if (next === null) return [];
    made.current.set(key, next);
    return [next];
  });
  return { series, isKnown: keys.length === 0 || told === asked || found.size > 0 };
}

function exploredOf(key: string, found: SeriesFound | null, slot: number, heard: { current: Heard | null }): Explored | null {
  const name = seriesName(key);
  if (name === null) return null;
  const metricText = metricLabel(name.metric);
  const deviceText = found === null || found.label === '' ? name.device : found.label;
  const scale = createScale();
  if (typeof found?.latest[1] === 'number') feedScale(scale, found.latest[1]);
  const expectedMs = (): number | null => (found?.expectEverySeconds == null ? null : found.expectEverySeconds * 1000);
  const heardMs = (): number => heard.current?.latest(key)?.heardMs ?? found?.latest[0] ?? 0;
  return {
    ...name,
    key,
    found,
    slot,
    scale,
    metricText,
    deviceText,
    label: `${metricText}, ${deviceText}`,
    unit: unitSymbol(found?.unit ?? ''),
    unitCode: found?.unit ?? '',
    isState: found !== null && found.kind !== 'number',
    expectedMs,
    heardMs,
    isStale() {
      const gapMs = heard.current?.window(key)?.gapMs(expectedMs()) ?? 0;
      return judgedAtMs.peek() - heardMs() > Math.max(gapMs, STALE_AFTER * (expectedMs() ?? 0), LEAST_STALE_MS);
    },
  };
}
