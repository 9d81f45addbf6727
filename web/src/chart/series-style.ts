// How series that share a chart are told apart: by colour, by the shape of their marks, and by dash from the ninth on. The slot of a series
// chooses all three. Sizes in CSS px.
export const COLORS = 8;
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 4, 2, 4]];
export const SHAPES = ['circle', 'square', 'diamond', 'triangle', 'cross', 'down'] as const;
export type Shape = (typeof SHAPES)[number];

export interface SeriesStyle {
  /** 1 to 8: of the class `s1` and the property `--s1`. */
  readonly color: number;
  readonly dash: readonly number[];
  readonly shape: Shape;
}

export function styleOf(slot: number): SeriesStyle {
  return {
    color: (slot % COLORS) + 1,
    dash: DASHES[Math.floor(slot / COLORS) % DASHES.length] ?? [],
    shape: SHAPES[slot % SHAPES.length] ?? 'circle',
  };
}

/** Around 0/0, from −1 to 1: as the canvas and the legend's drawing both take it. */
export const OUTLINES: Readonly<Record<Exclude<Shape, 'circle'>, readonly (readonly [x: number, y: number])[]>> = {
  square: [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  diamond: [
    [0, -1.2],
    [1.2, 0],
    [0, 1.2],
    [-1.2, 0],
  ],
  triangle: [
    [0, -1.15],
    [1.1, 0.85],
    [-1.1, 0.85],
  ],
  down: [
    [0, 1.15],
    [-1.1, -0.85],
    [1.1, -0.85],
  ],
  cross: [
    [-0.4, -1.15],
    [0.4, -1.15],
    [0.4, -0.4],
    [1.15, -0.4],
    [1.15, 0.4],
    [0.4, 0.4],
    [0.4, 1.15],
    [-0.4, 1.15],
    [-0.4, 0.4],
    [-1.15, 0.4],
    [-1.15, -0.4],
    [-0.4, -0.4],
  ],
};
