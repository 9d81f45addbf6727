// The only file that knows uPlot: a plot of one series over a window that ends now, with a readout under the pointer or the arrow keys.
import uPlot from 'uplot';
import type { Value } from '../../../gateway/protocol/messages.ts';
import 'uplot/dist/uPlot.min.css';
import { formatNumber } from '../format.ts';
import { paddedRange } from '../value-range.ts';
import { drawGaps, drawNewest, drawStates } from './chart-draw.ts';
import type { ChartColumns } from './chart-columns.ts';
import type { ChartPalette } from './chart-palette.ts';
import type { Sample } from './series-window.ts';

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly isState: boolean;
  /** As many as the metric is shown with. */
  decimals(): number;
  stateWord(value: Value): string;
  readonly rangeMs: number;
  readonly palette: ChartPalette;
  readonly columns: ChartColumns;
  /** The right edge, asked at each draw. */
  nowMs(): number;
  /** The sample under the cursor and where it is, in CSS px from the host's left edge; null without one. */
  onPoint(sample: Sample | null, leftPx: number): void;
}
export interface Plot {
  show(columns: ChartColumns): void;
  /** Moves the cursor by samples: the arrow keys. */
  step(by: number): void;
  leave(): void;
  close(): void;
}

const HEIGHT_PX = { number: 260, state: 96 };

export function createPlot(options: PlotOptions): Plot {
  const { host, isState, rangeMs, palette } = options;
  let columns = options.columns;
  const zoom = palette.fontPx / 11;
  const font = `500 ${palette.fontPx}px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif`;
  const heightPx = (): number => Math.round(zoom * (isState ? HEIGHT_PX.state : host.clientWidth < 480 ? 210 : HEIGHT_PX.number));
  const clock = new Intl.DateTimeFormat(
    'en-GB',
    rangeMs <= 900_000 ? { hour: '2-digit', minute: '2-digit', second: '2-digit' } : { hour: '2-digit', minute: '2-digit' },
  );
  const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric' });

  /** The nearest column that is not a hole. */
  function nearest(index: number): number {
    for (let away = 0; away < 4; away++) {
      if (columns.samples[index - away] != null) return index - away;
      if (columns.samples[index + away] != null) return index + away;
    }
    return -1;
  }

  const plot = new uPlot(
    {
      width: Math.max(host.clientWidth, 120),
      height: heightPx(),
      ms: 1,
      // the same room on the left for all, so that the time axes of charts below each other line up
      padding: [8, zoom * (rangeMs <= 900_000 ? 26 : 18), 0, isState ? zoom * leftPx(host) : 0],
      legend: { show: false },
      cursor: {
        sync: { key: 'device', setSeries: false },
        drag: { x: false, y: false },
        y: false,
        points: { show: !isState, size: 9, width: 2, fill: palette.line, stroke: palette.surface },
      },
      scales: {
        x: { time: true, range: () => [options.nowMs() - rangeMs, options.nowMs()] },
        y: isState ? { range: [0, 1] } : { range: (_plot, low, high) => paddedRange(low, high, options.decimals()) },
      },
      axes: [
        {
          font,
          stroke: palette.label,
          space: zoom * (rangeMs <= 900_000 ? 84 : 64),
          size: zoom * 28,
          gap: 6,
          grid: { show: false },
          ticks: { show: false },
          values: (_plot, splits) => splits.map((atMs) => (isMidnight(atMs) ? day.format(atMs) : clock.format(atMs))),
        },
        isState
          ? { show: false }
          : {
              font,
              stroke: palette.label,
              space: 44,
              gap: 8,
              size: (_plot, values) =>
                zoom * Math.max(leftPx(host), 22 + 6.4 * Math.max(0, ...(values ?? []).map((value) => value.length))),
              grid: { stroke: palette.grid, width: 1 },
              ticks: { show: false },
              values: (_plot, splits, _axis, _space, step) => splits.map((value) => axisNumber(value, step)),
            },
      ],
      series: [
        {},
        isState
          ? { paths: () => null, points: { show: false } }
          : {
              stroke: palette.line,
              width: 1.75,
              fill: (drawn) => area(drawn, palette),
              // a lone reading between two gaps would otherwise be invisible
              points: { show: false },
            },
        { show: !isState, stroke: 'transparent', width: 0, points: { show: false } },
        { show: !isState, stroke: 'transparent', width: 0, points: { show: false } },
      ],
      bands: isState ? [] : [{ series: [3, 2], fill: palette.band }],
      hooks: {
        drawClear: [(drawn) => drawGaps(drawn, columns, palette)],
        draw: [
          (drawn) => {
            if (isState) drawStates(drawn, columns, palette, options.nowMs(), options.stateWord);
            else drawNewest(drawn, columns, palette);
          },
        ],
        setCursor: [
          (drawn) => {
            const index = drawn.cursor.idx == null || (drawn.cursor.left ?? -1) < 0 ? -1 : nearest(drawn.cursor.idx);
            const sample = columns.samples[index];
            if (sample == null) options.onPoint(null, 0);
            else options.onPoint(sample, drawn.valToPos(sample.timeMs, 'x') + drawn.bbox.left / devicePixelRatio);
          },
        ],
      },
    },
    columns.data,
    host,
  );

  const resize = new ResizeObserver(() => {
    if (host.clientWidth > 0 && (host.clientWidth !== plot.width || heightPx() !== plot.height))
      plot.setSize({ width: host.clientWidth, height: heightPx() });
  });
  resize.observe(host);

  return {
    show(next) {
      columns = next;
      plot.setData(next.data);
    },
    step(by) {
      const last = columns.samples.length - 1;
      let index = plot.cursor.idx == null || (plot.cursor.left ?? -1) < 0 ? last + (by < 0 ? 1 : -last - 1) : plot.cursor.idx;
      do index += by;
      while (columns.samples[index] === null);
      const sample = columns.samples[Math.min(Math.max(index, 0), last)];
      if (sample == null) return;
      plot.setCursor({ left: plot.valToPos(sample.timeMs, 'x'), top: plot.bbox.height / devicePixelRatio / 2 });
    },
    leave: () => plot.setCursor({ left: -10, top: -10 }),
    close() {
      resize.disconnect();
      plot.destroy();
    },
  };
}

const leftPx = (host: HTMLElement): number => (host.clientWidth < 480 ? 44 : 56);

function axisNumber(value: number, step: number): string {
  let decimals = 0;
  while (decimals < 6 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
  return Math.abs(value) >= 1e9 ? value.toExponential(1) : formatNumber(value, decimals);
}

const isMidnight = (atMs: number): boolean => {
  const at = new Date(atMs);
  return at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
};

function area({ ctx, bbox }: uPlot, palette: ChartPalette): CanvasGradient {
  const fill = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  fill.addColorStop(0, palette.area);
  fill.addColorStop(1, palette.clear);
  return fill;
}
