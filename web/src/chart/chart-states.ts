// Draws booleans and texts: a boolean as a bar while true and a line while false, texts as bands; all with their word where it fits.
import type { Value } from '../../../gateway/protocol/messages.ts';
import type { ChartPalette, SeriesColors } from './chart-palette.ts';
import { clip } from './chart-lines.ts';
import type { Surface } from './chart-lines.ts';
import { styleOf } from './series-style.ts';
import type { SeriesWindow } from './series-window.ts';
import { stateRuns } from './state-runs.ts';

export interface StateScene {
  readonly window: SeriesWindow;
  readonly slot: number;
  readonly palette: ChartPalette;
  readonly fromMs: number;
  readonly toMs: number;
  readonly nowMs: number;
  readonly isStale: boolean;
  word(value: Value): string;
}
export function drawStates({ ctx, bbox }: Surface, scene: StateScene): void {
  const { palette, fromMs, toMs } = scene;
  const dpr = devicePixelRatio;
  const first = styleOf(scene.slot).color - 1;
  const colors = new Map<string, SeriesColors | undefined>();
  const colorOf = (value: string): SeriesColors | undefined => {
    if (!colors.has(value)) colors.set(value, palette.series[(first + colors.size) % palette.series.length]);
    return colors.get(value);
  };
  // in the order of first appearance in all that is known, so that colours do not change while one moves
  for (const value of scene.window.lasts) if (typeof value === 'string') colorOf(value);
  const xOf = (timeMs: number): number => bbox.left + ((timeMs - fromMs) / (toMs - fromMs)) * bbox.width;
  ctx.save();
  clip(ctx, bbox);
  ctx.font = `550 ${(palette.fontPx + 1) * dpr}px ${palette.font}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  for (const run of stateRuns(scene.window, fromMs, toMs, scene.nowMs)) {
    const { value } = run;
    const left = xOf(run.fromMs);
    const width = xOf(run.toMs) - left;
    const top = bbox.top + 4 * dpr;
    const height = bbox.height - 8 * dpr;
    ctx.globalAlpha = scene.isStale ? 0.6 : 1;
    if (value === false) {
      ctx.fillStyle = palette.grid;
      ctx.fillRect(left, top + height - 2 * dpr, width, 2 * dpr);
    } else {
      const color = value === true ? palette.series[first] : colorOf(String(value));
      const drawn = Math.max(width - (value === true ? 0 : 2 * dpr), dpr);
      ctx.fillStyle = color?.fill ?? palette.gap;
      ctx.fillRect(left, top, drawn, height);
      ctx.fillStyle = color?.line ?? palette.ink;
      ctx.fillRect(left, top, drawn, 2 * dpr);
    }
    ctx.globalAlpha = 1;
    const visibleFrom = Math.max(left, bbox.left);
    const room = Math.min(left + width, bbox.left + bbox.width) - visibleFrom - 12 * dpr;
    if (room < 18 * dpr) continue;
    const label = scene.word(value);
    // half a word of "closed" says less than none
    if (typeof value === 'boolean' && ctx.measureText(label).width > room) continue;
    ctx.fillStyle = value === false || scene.isStale ? palette.label : palette.ink;
    ctx.fillText(fit(ctx, label, room), visibleFrom + 6 * dpr, top + height / 2);
  }
  ctx.restore();
}

function fit(ctx: CanvasRenderingContext2D, label: string, room: number): string {
  if (ctx.measureText(label).width <= room) return label;
  let shown = [...label];
  while (shown.length > 1 && ctx.measureText(`${shown.join('')}…`).width > room) shown = shown.slice(0, -1);
  return shown.length > 1 ? `${shown.join('')}…` : '';
}
