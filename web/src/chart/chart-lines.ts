// Draws numbers: the line of each series with its min–max band, the gaps in it, and a mark where it is now. Canvas px where nothing is said.
import type { ChartSeries } from './chart-series.ts';
import type { ChartPalette } from './chart-palette.ts';
import { text } from '../i18n/en.ts';
import { findGaps, isGapBefore } from './series-gaps.ts';
import { OUTLINES, styleOf } from './series-style.ts';
import type { Shape } from './series-style.ts';
import type { SeriesWindow } from './series-window.ts';

/** What of a plot is drawn on. */
export interface Surface {
  readonly ctx: CanvasRenderingContext2D;
  readonly bbox: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}
export interface DrawnLine {
  readonly series: ChartSeries;
  readonly window: SeriesWindow;
  /** Of its value axis. */
  readonly low: number;
  readonly high: number;
}
export interface LineScene {
  readonly lines: readonly DrawnLine[];
  readonly palette: ChartPalette;
  readonly fromMs: number;
  readonly toMs: number;
  /** Where the present lies; after `toMs` when the past is shown. */
  readonly nowMs: number;
}

/** More bands than this hide one another. */
const MOST_BANDS = 8;
/** Marks along a line, where there are several lines. CSS px. */
const MARKS_APART_PX = 130;
const MARK_PX = 3.2;

/** Under the lines, where one series is shown: the time in which nothing was received. */
export function drawGaps({ ctx, bbox }: Surface, { lines, palette, fromMs, toMs, nowMs }: LineScene): void {
  const [only] = lines;
  if (only === undefined || lines.length > 1) return;
  const { window, series } = only;
  const { times } = window;
  const gapMs = window.gapMs(series.expectedMs());
  const gaps = findGaps(window, gapMs, window.after(fromMs), Math.min(window.after(toMs) + 1, times.length));
  const last = times.at(-1);
  // the one that goes on
  if (last !== undefined && nowMs <= toMs && nowMs - last > gapMs) gaps.push([last, nowMs]);
  const dpr = devicePixelRatio;
  ctx.save();
  clip(ctx, bbox);
  ctx.font = `500 ${palette.fontPx * dpr}px ${palette.font}`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  const xOf = (timeMs: number): number => bbox.left + ((timeMs - fromMs) / (toMs - fromMs)) * bbox.width;
  const half = window.bucketMs / 2;
  for (const [start, end] of gaps) {
    const left = Math.max(xOf(start + half), bbox.left);
    const width = Math.min(xOf(end + half), bbox.left + bbox.width) - left;
    ctx.fillStyle = palette.gap;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    if (ctx.measureText(text.chart.gap).width + 12 * dpr > width) continue;
    ctx.fillStyle = palette.label;
    ctx.fillText(text.chart.gap, left + width / 2, bbox.top + 6 * dpr);
  }
  ctx.restore();
}

export function drawLines({ ctx, bbox }: Surface, scene: LineScene): void {
  const { lines, palette } = scene;
  const dpr = devicePixelRatio;
  const isAlone = lines.length === 1;
  const newest: { series: ChartSeries; at: Spot; color: string }[] = [];
  ctx.save();
  clip(ctx, bbox);
  ctx.lineJoin = 'round';
  for (const line of lines) {
    const path = pathsOf(bbox, scene, line);
    if (path === null) continue;
    const style = styleOf(line.series.slot);
    const colors = palette.series[style.color - 1];
    if (colors === undefined) continue;
    if (path.band !== null && lines.length <= MOST_BANDS) {
      ctx.fillStyle = colors.band;
      ctx.fill(path.band);
    }
    if (path.area !== null) {
      const fade = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
      fade.addColorStop(0, colors.area);
      fade.addColorStop(1, colors.clear);
      ctx.fillStyle = fade;
      ctx.fill(path.area);
    }
    ctx.strokeStyle = colors.line;
    ctx.lineWidth = 1.75 * dpr;
    ctx.setLineDash(style.dash.map((px) => px * dpr));
    ctx.stroke(path.line);
    ctx.setLineDash([]);
    ctx.fillStyle = colors.line;
    for (const [x, y] of path.lone) mark(ctx, isAlone ? 'circle' : style.shape, x, y, 2.2 * dpr);
    if (!isAlone) for (const [x, y] of path.marks) mark(ctx, style.shape, x, y, MARK_PX * dpr);
    if (path.newest !== null) newest.push({ series: line.series, at: path.newest, color: colors.line });
  }
  ctx.restore();
  // over the edge of the plot, so not clipped; uPlot remembers what it last set, so nothing of it may stay changed
  ctx.save();
  ctx.strokeStyle = palette.surface;
  ctx.lineWidth = 2 * dpr;
  for (const { series, at, color } of newest) {
    ctx.fillStyle = series.isStale() ? palette.stale : color;
    mark(ctx, isAlone ? 'circle' : styleOf(series.slot).shape, at[0], at[1], 3.5 * dpr, true);
  }
  ctx.restore();
}

type Spot = readonly [x: number, y: number];
interface Paths {
  readonly line: Path2D;
  readonly band: Path2D | null;
  readonly area: Path2D | null;
  /** Points that no line goes through. */
  readonly lone: readonly Spot[];
  readonly marks: readonly Spot[];
  /** Where the series is now, when that is shown. */
  readonly newest: Spot | null;
}

function pathsOf(bbox: Surface['bbox'], scene: LineScene, { window, series, low, high }: DrawnLine): Paths | null {
  const { times, averages, mins, maxs } = window;
  const first = Math.max(window.after(scene.fromMs) - 1, 0);
  const end = Math.min(window.after(scene.toMs) + 1, times.length);
  if (first >= end) return null;
  const isAlone = scene.lines.length === 1;
  const gapMs = window.gapMs(series.expectedMs());
  const xScale = bbox.width / (scene.toMs - scene.fromMs);
  const yScale = bbox.height / (high - low);
  const bottom = bbox.top + bbox.height;
  // a bucket stands for the time that it covers: its point is in the middle, as far as the present goes
  const half = window.bucketMs / 2;
  const xAt = (i: number): number =>
    bbox.left + (Math.min((times[i] ?? 0) + half, Math.max(scene.nowMs, times[i] ?? 0)) - scene.fromMs) * xScale;
  const yOf = (value: number): number => bbox.top + (high - value) * yScale;
  const line = new Path2D();
  const band = window.bucketMs > 0 && scene.lines.length <= MOST_BANDS ? new Path2D() : null;
  const area = isAlone ? new Path2D() : null;
  const lone: Spot[] = [];
  const marks: Spot[] = [];
  let nextMark = bbox.left + ((series.slot * 0.37) % 1) * MARKS_APART_PX * devicePixelRatio;
  let start = first;
  while (start < end) {
    let stop = start + 1;
    while (stop < end && !isGapBefore(window, stop, gapMs)) stop++;
    for (let i = start; i < stop; i++) {
      const x = xAt(i);
      const y = yOf(averages[i] ?? 0);
      if (i === start) line.moveTo(x, y);
      else line.lineTo(x, y);
      if (x >= nextMark) {
        marks.push([x, y]);
        while (nextMark <= x) nextMark += MARKS_APART_PX * devicePixelRatio;
      }
    }
    if (stop - start === 1) lone.push([xAt(start), yOf(averages[start] ?? 0)]);
    if (band !== null) {
      for (let i = start; i < stop; i++) band.lineTo(xAt(i), yOf(maxs[i] ?? 0));
      for (let i = stop - 1; i >= start; i--) band.lineTo(xAt(i), yOf(mins[i] ?? 0));
      band.closePath();
    }
    if (area !== null) {
      area.moveTo(xAt(start), bottom);
      for (let i = start; i < stop; i++) area.lineTo(xAt(i), yOf(averages[i] ?? 0));
      area.lineTo(xAt(stop - 1), bottom);
      area.closePath();
    }
    start = stop;
  }
  const isNowShown = end === times.length && scene.nowMs <= scene.toMs && (times[end - 1] ?? 0) >= scene.fromMs;
  return { line, band, area, lone, marks, newest: isNowShown ? [xAt(end - 1), yOf(averages[end - 1] ?? 0)] : null };
}

function mark(ctx: CanvasRenderingContext2D, shape: Shape, x: number, y: number, size: number, isEdged = false): void {
  ctx.beginPath();
  if (shape === 'circle') ctx.arc(x, y, size, 0, 2 * Math.PI);
  else for (const [dx, dy] of OUTLINES[shape]) ctx.lineTo(x + dx * size, y + dy * size);
  ctx.closePath();
  if (isEdged) ctx.stroke();
  ctx.fill();
}

export function clip(ctx: CanvasRenderingContext2D, bbox: Surface['bbox']): void {
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
}
