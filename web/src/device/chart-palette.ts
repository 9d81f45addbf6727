// The style sheet's colours as a canvas can use them: custom properties are resolved by asking a real element.
export interface ChartPalette {
  /** Of labels, in CSS px: it grows with the page on a wall. */
  readonly fontPx: number;
  readonly line: string;
  readonly band: string;
  readonly area: string;
  readonly clear: string;
  readonly grid: string;
  readonly label: string;
  readonly ink: string;
  readonly gap: string;
  readonly surface: string;
  /** Edge and fill of each state, in the order of first appearance. */
  readonly states: readonly { readonly edge: string; readonly fill: string }[];
}

export function readPalette(host: HTMLElement, seriesIndex: number): ChartPalette {
  const probe = document.createElement('i');
  host.append(probe);
  const read = (color: string): string => {
    probe.style.color = color;
    return getComputedStyle(probe).color;
  };
  const mix = (color: string, percent: number): string => read(`color-mix(in oklch, ${color} ${percent}%, transparent)`);
  const line = `var(--s${(seriesIndex % 4) + 1})`;
  const palette: ChartPalette = {
    fontPx: Math.round(Number.parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.6875),
    line: read(line),
    band: mix(line, 18),
    area: mix(line, 15),
    clear: mix(line, 1),
    grid: read('var(--line)'),
    label: read('var(--ink-3)'),
    ink: read('var(--ink)'),
    gap: read('var(--sunken)'),
    surface: read('var(--panel)'),
    states: [0, 1, 2, 3].map((turn) => {
      const color = `var(--s${((seriesIndex + turn) % 4) + 1})`;
      return { edge: read(color), fill: mix(color, 20) };
    }),
  };
  probe.remove();
  return palette;
}
