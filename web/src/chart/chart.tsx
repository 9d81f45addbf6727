// One plot with everything that is done on it: drawing when something changed, gestures, keys, and the readout of the moment under the
// pointer, which all charts of the page share.
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { serverNowMs } from '../clock.ts';
import { formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import '../styles/chart.css';
import { paletteVersion } from '../theme.ts';
import { isUtc } from '../zone.ts';
import { readPalette } from './chart-palette.ts';
import type { ChartSeries } from './chart-series.ts';
import { dropPaint, queuePaint } from './frame-queue.ts';
import { listenToGestures, moveByKey } from './gestures.ts';
import { createPlot } from './plot.ts';
import type { Plot } from './plot.ts';
import { nearestPoint, steppedMs } from './point-search.ts';
import { Readout } from './readout.tsx';
import type { ReadPoint } from './readout.tsx';
import type { SeriesFeed } from './series-feed.ts';
import { spanOf } from './time-axis.ts';
import type { TimeAxis } from './time-axis.ts';

export interface ChartProps {
  readonly feed: SeriesFeed;
  readonly axis: TimeAxis;
  /** Numbers by value axis, at most two; or one series of states. */
  readonly axes: readonly (readonly ChartSeries[])[];
  readonly state?: ChartSeries | undefined;
  /** A chart above or below has an axis on the right. */
  readonly hasRightRoom?: boolean;
  readonly label: string;
}

const LEAST_SLIDE_MS = 250;
const HINT_MS = 1600;
/** About half a pixel each. */
const PACE_STEPS = 2000;
const MOST_PACE_MS = 100;
const FRAME_MS = 16;

export function Chart({ feed, axis, axes, state, hasRightRoom = false, label }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const series = state === undefined ? axes.flat() : [state];
  const latest = useRef(series);
  latest.current = series;
  const [hints, setHints] = useState(0);
  const paint = useRef(() => {
    plot.current?.paint();
  }).current;
  const look = `${paletteVersion.value} ${isUtc.value}`;
  const parts = JSON.stringify([axes.map((some) => some.map(({ key, slot, unit }) => [key, slot, unit])), state?.key, hasRightRoom]);

  const pointsAt = (atMs: number): ReadPoint[] =>
    latest.current.flatMap((one): ReadPoint[] => {
      const window = feed.window(one.key);
      const index = window === null ? -1 : nearestPoint(window, atMs, one.isState);
      return window === null || index < 0 ? [] : [{ series: one, window, index }];
    });

  function placeCursor(): void {
    const atMs = axis.cursorMs.peek();
    const [fromMs, toMs] = axis.edges();
    const width = plot.current?.over.clientWidth ?? 0;
    plot.current?.showCursor(atMs === null || atMs < fromMs || atMs > toMs ? null : ((atMs - fromMs) / (toMs - fromMs)) * width);
  }

  useEffect(() => {
    if (host.current === null) return;
    const part = (one: ChartSeries) => ({ series: one, window: () => feed.window(one.key) });
    const mine = createPlot({
      host: host.current,
      axes: axes.map((some) => some.map(part)),
      state: state === undefined ? null : part(state),
      hasRightRoom,
      palette: readPalette(host.current),
      edges: axis.edges,
      nowMs: serverNowMs,
      stateWord: (one, value) => formatValue(value, one.scale, one.metric),
      onPaint: placeCursor,
    });
    plot.current = mine;
    const deaf = listenToGestures({
      host: host.current,
      over: mine.over,
      axis,
      hasFocus: () => frame.current?.contains(document.activeElement) ?? false,
      onRead(leftPx) {
        const [fromMs, toMs] = axis.edges();
        if (leftPx === null) axis.cursorMs.value = null;
        else {
          const atMs = fromMs + (leftPx / mine.over.clientWidth) * (toMs - fromMs);
          axis.cursorMs.value = nearestMs(pointsAt(atMs), atMs);
        }
      },
      onBrush: mine.showBrush,
      onBrushEnd: mine.hideBrush,
      onPassedBy: () => setHints((turn) => turn + 1),
    });
    return () => {
      plot.current = null;
      deaf();
      dropPaint(paint);
      mine.close();
    };
  }, [parts, look, feed, axis]);

  useSignalEffect(() => {
    axis.view.value;
    queuePaint(paint);
  });
  // what comes live is drawn as often as it can be seen to move: a hundred series over an hour stand still between two frames
  const paced = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    feed.changed.value;
    const [fromMs, toMs] = axis.edges();
    const paceMs = Math.min((toMs - fromMs) / PACE_STEPS, MOST_PACE_MS);
    if (paceMs < FRAME_MS) queuePaint(paint);
    else
      paced.current ??= setTimeout(() => {
        paced.current = undefined;
        queuePaint(paint);
      }, paceMs);
  });
  useEffect(() => () => clearTimeout(paced.current), []);
  useSignalEffect(() => {
    axis.cursorMs.value;
    placeCursor();
  });

  // a view that follows the present slides by about a pixel at a time
  const view = axis.view.value;
  const slideMs = view.kind === 'live' ? Math.max(LEAST_SLIDE_MS, spanOf(view) / 1000) : 0;
  useEffect(() => {
    if (slideMs === 0) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && queuePaint(paint), slideMs);
    return () => clearInterval(timer);
  }, [slideMs]);

  function onKeyDown(event: KeyboardEvent): void {
    const [fromMs, toMs] = axis.edges();
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY }[
      event.key
    ];
    if (event.key === 'Escape') {
      if (axis.cursorMs.peek() === null) axis.reset();
      else axis.cursorMs.value = null;
    } else if (!moveByKey(axis, event)) {
      if (by === undefined || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
      const windows = latest.current.flatMap((one) => feed.window(one.key) ?? []);
      axis.cursorMs.value = steppedMs(windows, axis.cursorMs.peek(), by, fromMs, toMs);
    }
    event.preventDefault();
  }

  return (
    <div
      ref={frame}
      class="plot"
      tabIndex={0}
      role="group"
      aria-label={label}
      onKeyDown={onKeyDown}
      onBlur={() => {
        axis.cursorMs.value = null;
      }}
    >
      <div ref={host} class="plot-host" />
      <ChartReadout feed={feed} axis={axis} plot={() => plot.current} pointsAt={pointsAt} />
      <WheelHint turn={hints} />
    </div>
  );
}

/** By itself, so that what is read changes without the chart being made again. */
function ChartReadout(props: { feed: SeriesFeed; axis: TimeAxis; plot(): Plot | null; pointsAt(atMs: number): ReadPoint[] }) {
  const atMs = props.axis.cursorMs.value;
  if (atMs !== null) {
    props.feed.changed.value;
    props.axis.view.value;
  }
  const plot = props.plot();
  const [fromMs, toMs] = props.axis.edges();
  const width = plot?.over.clientWidth ?? 0;
  const isShown = atMs !== null && atMs >= fromMs && atMs <= toMs;
  return (
    <Readout
      points={isShown ? props.pointsAt(atMs) : []}
      atMs={isShown ? atMs : null}
      leftPx={(plot?.leftPx() ?? 0) + (((atMs ?? fromMs) - fromMs) / (toMs - fromMs)) * width}
      hostPx={(plot?.leftPx() ?? 0) * 2 + width}
    />
  );
}

function WheelHint({ turn }: { turn: number }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (turn === 0) return;
    setShown(true);
    const timer = setTimeout(() => setShown(false), HINT_MS);
    return () => clearTimeout(timer);
  }, [turn]);
  return isShown ? <p class="wheel-hint">{text.chart.wheelHint}</p> : null;
}

/** The moment of the point that is nearest; the moment itself where there is none. */
function nearestMs(points: readonly ReadPoint[], atMs: number): number {
  let best = atMs;
  let away = Number.POSITIVE_INFINITY;
  for (const { series, window, index } of points) {
    if (series.isState) continue;
    const middleMs = (window.times[index] ?? atMs) + window.bucketMs / 2;
    if (Math.abs(middleMs - atMs) >= away) continue;
    away = Math.abs(middleMs - atMs);
    best = middleMs;
  }
  return best;
}
