// What is drawn on a plot beside uPlot's lines: the gaps, the states of booleans and texts, the newest point.
import type { Value } from '../../../gateway/protocol/messages.ts';
import { text } from '../i18n/en.ts';
import type { ChartColumns } from './chart-columns.ts';
import type { ChartPalette } from './chart-palette.ts';
import type { Sample } from './series-window.ts';

/** What of a plot is drawn on; bbox in canvas px. */
interface Surface {
  readonly ctx: CanvasRenderingContext2D;
  readonly bbox: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  valToPos(value: number, scale: string, isCanvas: boolean): number;
}

/** Under the lines: where nothing was received. */
export function drawGaps(plot: Surface, { gaps }: ChartColumns, palette: ChartPalette): void {
  const { ctx, bbox } = plot;
  ctx.save();
  clip(plot);
  for (const [fromMs, toMs] of gaps) {
    const left = plot.valToPos(fromMs, 'x', true);
    const width = plot.valToPos(toMs, 'x', true) - left;
    ctx.fillStyle = palette.gap;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    const scale = devicePixelRatio;
    ctx.font = `500 ${palette.fontPx * scale}px ui-sans-serif, system-ui, sans-serif`;
    if (ctx.measureText(text.chart.gap).width + 12 * scale > width) continue;
    ctx.fillStyle = palette.label;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'top';
    ctx.fillText(text.chart.gap, left + width / 2, bbox.top + 6 * scale);
  }
  ctx.restore();
}

/** Over the lines: where the series is now. */
export function drawNewest(plot: Surface, { samples }: ChartColumns, palette: ChartPalette): void {
  const newest = samples.at(-1);
  if (newest == null) return;
  const { ctx } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.arc(plot.valToPos(newest.timeMs, 'x', true), plot.valToPos(newest.average, 'y', true), 3.5 * scale, 0, 2 * Math.PI);
  ctx.fillStyle = palette.line;
  ctx.strokeStyle = palette.surface;
  ctx.lineWidth = 2 * scale;
  ctx.stroke();
  ctx.fill();
  ctx.restore();
}

/** Booleans as a bar while true and a line while false, texts as bands; all with their word where it fits. */
export function drawStates(
  plot: Surface,
  { samples }: ChartColumns,
  palette: ChartPalette,
  untilMs: number,
  word: (value: Value) => string,
): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const colors = new Map<string, ChartPalette['states'][number] | undefined>();
  const colorOf = (value: string): ChartPalette['states'][number] | undefined => {
    if (!colors.has(value)) colors.set(value, palette.states[colors.size % palette.states.length]);
    return colors.get(value);
  };
  ctx.save();
  clip(plot);
  ctx.font = `550 ${(palette.fontPx + 1) * scale}px ui-sans-serif, system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  for (const { from, to, value } of runs(samples, untilMs)) {
    const left = plot.valToPos(from, 'x', true);
    const width = plot.valToPos(to, 'x', true) - left;
    const top = bbox.top + 4 * scale;
    const height = bbox.height - 8 * scale;
    if (value === false) {
      ctx.fillStyle = palette.grid;
      ctx.fillRect(left, top + height - 2 * scale, width, 2 * scale);
    } else {
      const color = value === true ? palette.states[0] : colorOf(String(value));
      const drawn = Math.max(width - (value === true ? 0 : 2 * scale), scale);
      ctx.fillStyle = color?.fill ?? palette.band;
      ctx.fillRect(left, top, drawn, height);
      ctx.fillStyle = color?.edge ?? palette.line;
      ctx.fillRect(left, top, drawn, 2 * scale);
    }
    const visibleFrom = Math.max(left, bbox.left);
    const room = left + width - visibleFrom - 12 * scale;
    if (room < 18 * scale) continue;
    const label = word(value);
    // half a word of "closed" says less than none
    if (typeof value === 'boolean' && ctx.measureText(label).width > room) continue;
    ctx.fillStyle = value === false ? palette.label : palette.ink;
    ctx.fillText(fit(ctx, label, room), visibleFrom + 6 * scale, top + height / 2);
  }
  ctx.restore();
}

/** Neighbours with the same value as one. */
function runs(samples: readonly (Sample | null)[], untilMs: number): { from: number; to: number; value: Value }[] {
  const found: { from: number; to: number; value: Value }[] = [];
  for (const sample of samples) {
    if (sample === null) continue;
    const open = found.at(-1);
    if (open !== undefined) {
      open.to = sample.timeMs;
      if (open.value === sample.last) continue;
    }
    found.push({ from: sample.timeMs, to: untilMs, value: sample.last });
  }
  const open = found.at(-1);
  if (open !== undefined) open.to = Math.max(untilMs, open.from);
  return found;
}

function fit(ctx: CanvasRenderingContext2D, label: string, room: number): string {
  if (ctx.measureText(label).width <= room) return label;
  let shown = label;
  while (shown.length > 1 && ctx.measureText(`${shown}…`).width > room) shown = shown.slice(0, -1);
  return shown.length > 1 ? `${shown}…` : '';
}

function clip({ ctx, bbox }: Surface): void {
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
}
