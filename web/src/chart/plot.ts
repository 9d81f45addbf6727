// The only file that knows uPlot: it makes the axes and their labels; what stands between them is drawn by our own hand, for series whose
// readings share no times, and moved by our own gestures. One plot shows numbers with up to two units, or the states of one series.
import uPlot from 'uplot';
import type { Value } from '../../../gateway/protocol/messages.ts';
import 'uplot/dist/uPlot.min.css';
import { formatNumber, scaleDecimals } from '../format.ts';
import { paddedRange } from '../value-range.ts';
import { timeZone } from '../zone.ts';
import { drawGaps, drawLines } from './chart-lines.ts';
import type { DrawnLine } from './chart-lines.ts';
import type { ChartPalette } from './chart-palette.ts';
import type { ChartSeries } from './chart-series.ts';
import { drawStates } from './chart-states.ts';
import type { SeriesWindow } from './series-window.ts';

export interface PlotPart {
  readonly series: ChartSeries;
  window(): SeriesWindow | null;
}
export interface PlotOptions {
  readonly host: HTMLElement;
  /** Numbers: by their value axes, left and right. */
  readonly axes: readonly (readonly PlotPart[])[];
  /** Or the states of one series. */
  readonly state: PlotPart | null;
  readonly hasRightRoom: boolean;
  readonly palette: ChartPalette;
  edges(): readonly [fromMs: number, toMs: number];
  nowMs(): number;
  stateWord(series: ChartSeries, value: Value): string;
  /** After the picture has another size or other edges. */
  onPaint(): void;
}
export interface Plot {
  paint(): void;
  /** The part between the axes: what gestures are made on. */
  readonly over: HTMLElement;
  /** The line of the moment that is read, in CSS px from the left edge of `over`; null hides it. */
  showCursor(leftPx: number | null): void;
  showBrush(fromPx: number, toPx: number): void;
  hideBrush(): void;
  /** Where `over` begins in the host, CSS px. */
  leftPx(): number;
  close(): void;
}

const HEIGHT_PX = { number: 260, narrow: 210, state: 96 };
const NARROW_PX = 480;
const SECONDS_UNTIL_MS = 900_000;
const FINE_UNTIL_MS = 4000;
const DAY_MS = 86_400_000;

type Shape = 'fine' | 'seconds' | 'minutes' | 'day' | 'month';
const SHAPES: Readonly<Record<Shape, Intl.DateTimeFormatOptions>> = {
  fine: { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
  seconds: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minutes: { hour: '2-digit', minute: '2-digit' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  month: { month: 'short', year: 'numeric' },
};

export function createPlot(options: PlotOptions): Plot {
  const { host, axes, state, palette } = options;
  const zoom = palette.fontPx / 11;
  const font = `500 ${palette.fontPx}px ${palette.font}`;
  const zone = timeZone();
  const formats = new Map<Shape, Intl.DateTimeFormat>();
  const format = (shape: Shape, atMs: number): string => {
    let made = formats.get(shape);
    if (made === undefined) {
      made = new Intl.DateTimeFormat('en-GB', { ...SHAPES[shape], ...(zone === undefined ? {} : { timeZone: zone }) });
      formats.set(shape, made);
    }
    return made.format(atMs);
  };
  const dateOf = (atMs: number): Date => (zone === 'UTC' ? uPlot.tzDate(new Date(atMs), 'Etc/UTC') : new Date(atMs));
  const spanMs = (): number => {
    const [fromMs, toMs] = options.edges();
    return toMs - fromMs;
  };
  const heightPx = (): number =>
    Math.round(zoom * (state !== null ? HEIGHT_PX.state : host.clientWidth < NARROW_PX ? HEIGHT_PX.narrow : HEIGHT_PX.number));
  const sidePx = (): number => zoom * (host.clientWidth < NARROW_PX ? 44 : 56);

  function timeLabel(atMs: number, stepMs: number): string {
    if (stepMs < 1000) return format('fine', atMs);
    if (stepMs >= 27 * DAY_MS) return format('month', atMs);
    const at = dateOf(atMs);
    if (stepMs >= DAY_MS || (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0)) return format('day', atMs);
    return format(spanMs() <= SECONDS_UNTIL_MS ? 'seconds' : 'minutes', atMs);
  }
  const labelPx = (): number =>
    zoom * (spanMs() <= FINE_UNTIL_MS ? 104 : spanMs() <= SECONDS_UNTIL_MS ? 84 : spanMs() > 2 * DAY_MS ? 92 : 64);

  const valueAxis = (index: number): uPlot.Axis => ({
    scale: scaleOf(index),
    side: index === 0 ? 3 : 1,
    show: axes[index] !== undefined,
    font,
    stroke: palette.label,
    space: 44,
    gap: 8,
    size: (_plot, values) => Math.max(sidePx(), zoom * (22 + 6.4 * Math.max(0, ...(values ?? []).map((value) => value.length)))),
    grid: { show: index === 0, stroke: palette.grid, width: 1 },
    ticks: { show: false },
    values: (_plot, splits, _axis, _space, step) => splits.map((value) => axisNumber(value, step)),
  });

  const plot = new uPlot(
    {
      width: Math.max(host.clientWidth, 120),
      height: heightPx(),
      ms: 1,
      tzDate: dateOf,
      // the same room at the sides for all, so that the time axes of charts below each other line up
      padding: [
        8,
        () => (axes.length > 1 ? 0 : options.hasRightRoom ? sidePx() : zoom * (spanMs() <= SECONDS_UNTIL_MS ? 26 : 18)),
        0,
        () => (axes.length === 0 ? sidePx() : 0),
      ],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true }, y: { auto: false }, z: { auto: false } },
      axes: [
        {
          font,
          stroke: palette.label,
          space: labelPx,
          size: zoom * 28,
          gap: 6,
          grid: { show: false },
          ticks: { show: false },
          values: (_plot, splits, _axis, _space, step) => splits.map((atMs) => timeLabel(atMs, step)),
        },
        valueAxis(0),
        valueAxis(1),
      ],
      series: [{}, { scale: 'y', show: false }, { scale: 'z', show: false }],
      hooks: { drawClear: [drawUnder], draw: [drawOver] },
    },
    [[...options.edges()], [null, null], [null, null]],
    host,
  );
  let lines: DrawnLine[] = [];

  function scene() {
    const [fromMs, toMs] = options.edges();
    return { palette, fromMs, toMs, nowMs: options.nowMs() };
  }
  function drawUnder(on: uPlot): void {
    drawGaps(on, { ...scene(), lines });
  }
  function drawOver(on: uPlot): void {
    const window = state?.window() ?? null;
    if (state === null) drawLines(on, { ...scene(), lines });
    else if (window !== null) {
      const { series } = state;
      const isStale = series.isStale();
      drawStates(on, { ...scene(), window, slot: series.slot, isStale, word: (value) => options.stateWord(series, value) });
    }
  }

  function paint(): void {
    const [fromMs, toMs] = options.edges();
    lines = [];
    plot.batch(() => {
      plot.setScale('x', { min: fromMs, max: toMs });
      for (const [index, parts] of axes.entries()) {
        const shown = parts.flatMap(({ series, window }) => {
          const known = window();
          return known === null ? [] : [{ series, window: known }];
        });
        const [min, max] = rangeOf(shown, fromMs, toMs);
        for (const one of shown) lines.push({ ...one, low: min, high: max });
        plot.setScale(scaleOf(index), { min, max });
      }
    });
    options.onPaint();
  }

  const line = document.createElement('div');
  line.className = 'plot-cursor';
  const brush = document.createElement('div');
  brush.className = 'plot-brush';
  line.hidden = brush.hidden = true;
  plot.over.append(brush, line);

  const resize = new ResizeObserver(() => {
    if (host.clientWidth === 0 || (host.clientWidth === plot.width && heightPx() === plot.height)) return;
    plot.setSize({ width: host.clientWidth, height: heightPx() });
    paint();
  });
  resize.observe(host);
  paint();

  return {
    paint,
    over: plot.over,
    showCursor(leftPx) {
      line.hidden = leftPx === null;
      if (leftPx !== null) line.style.transform = `translateX(${leftPx}px)`;
    },
    showBrush(fromPx, toPx) {
      brush.hidden = false;
      brush.style.transform = `translateX(${Math.min(fromPx, toPx)}px)`;
      brush.style.width = `${Math.abs(toPx - fromPx)}px`;
    },
    hideBrush() {
      brush.hidden = true;
    },
    leftPx: () => plot.bbox.left / devicePixelRatio,
    close() {
      resize.disconnect();
      plot.destroy();
    },
  };
}

const scaleOf = (index: number): string => (index === 0 ? 'y' : 'z');

/** What the series of one axis take of it together. */
function rangeOf(shown: readonly Omit<DrawnLine, 'low' | 'high'>[], fromMs: number, toMs: number): [number, number] {
  let low: number | null = null;
  let high: number | null = null;
  let decimals = 0;
  for (const { series, window } of shown) {
    decimals = Math.max(decimals, scaleDecimals(series.scale));
    const end = Math.min(window.after(toMs) + 1, window.times.length);
    for (let i = Math.max(window.after(fromMs) - 1, 0); i < end; i++) {
      const [min, max] = [window.mins[i] ?? 0, window.maxs[i] ?? 0];
      if (low === null || min < low) low = min;
      if (high === null || max > high) high = max;
    }
  }
  return paddedRange(low, high, decimals);
}

function axisNumber(value: number, step: number): string {
  let decimals = 0;
  while (decimals < 6 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
  return Math.abs(value) >= 1e9 ? value.toExponential(1) : formatNumber(value, decimals);
}
