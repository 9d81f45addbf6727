// Which series share a plot: numbers by their unit, two units a plot, left and right; states each in a strip of its own.
import type { Explored } from './use-explored.ts';

export interface ExplorePanel {
  readonly id: string;
  readonly axes: readonly (readonly Explored[])[];
  readonly units: readonly string[];
  readonly state: Explored | undefined;
}

export function panelsOf(series: readonly Explored[]): readonly ExplorePanel[] {
  const byUnit = new Map<string, Explored[]>();
  for (const one of series) if (!one.isState) byUnit.set(one.unit, [...(byUnit.get(one.unit) ?? []), one]);
  const units = [...byUnit];
  const panels: ExplorePanel[] = [];
  for (let i = 0; i < units.length; i += 2) {
    const pair = units.slice(i, i + 2);
    panels.push({
      id: pair.map(([unit]) => unit).join(' '),
      axes: pair.map(([, some]) => some),
      units: pair.map(([unit]) => unit),
      state: undefined,
    });
  }
  for (const one of series) if (one.isState) panels.push({ id: one.key, axes: [], units: [], state: one });
  return panels;
}
