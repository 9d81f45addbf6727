// The style sheet's colours as a canvas can use them: custom properties are resolved by asking a real element.
import { COLORS } from './series-style.ts';

export interface SeriesColors {
  readonly line: string;
  readonly band: string;
  readonly area: string;
  readonly clear: string;
  readonly fill: string;
}
export interface ChartPalette {
  /** Of labels, in CSS px: it grows with the page on a wall. */
  readonly fontPx: number;
  readonly font: string;
  readonly grid: string;
  readonly label: string;
  readonly ink: string;
  readonly gap: string;
  readonly surface: string;
  readonly stale: string;
  readonly series: readonly SeriesColors[];
}

/** Of the screen: labels of axes are drawn at 11 px where the page's text is at its usual size. */
const LABEL_REM = 0.6875;

export function readPalette(host: HTMLElement): ChartPalette {
  const probe = document.createElement('i');
  host.append(probe);
  const read = (color: string): string => {
    probe.style.color = color;
    return getComputedStyle(probe).color;
  };
  const mix = (color: string, percent: number): string => read(`color-mix(in oklch, ${color} ${percent}%, transparent)`);
  const root = getComputedStyle(document.documentElement);
  const palette: ChartPalette = {
    fontPx: Math.round(Number.parseFloat(root.fontSize) * LABEL_REM),
    font: root.fontFamily,
    grid: read('var(--line)'),
    label: read('var(--ink-3)'),
    ink: read('var(--ink)'),
    gap: read('var(--sunken)'),
    surface: read('var(--panel)'),
    stale: read('var(--field-line)'),
    series: Array.from({ length: COLORS }, (_, index) => {
      const color = `var(--s${index + 1})`;
      return { line: read(color), band: mix(color, 18), area: mix(color, 15), clear: mix(color, 1), fill: mix(color, 20) };
    }),
  };
  probe.remove();
  return palette;
}
