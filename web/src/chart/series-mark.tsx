// The line and mark of a series beside its name, as the chart draws them.
import { OUTLINES, styleOf } from './series-style.ts';

const MIDDLE = { x: 13, y: 6 };
const SIZE = 3.2;

export function SeriesMark({ slot }: { slot: number }) {
  const { color, dash, shape } = styleOf(slot);
  return (
    <svg class={`series-mark s${color}`} viewBox="0 0 26 12" aria-hidden="true">
      <path d={`M0 ${MIDDLE.y}H26`} stroke-dasharray={dash.length === 0 ? undefined : dash.map((px) => px * 0.7).join(' ')} />
      {shape === 'circle' ? (
        <circle cx={MIDDLE.x} cy={MIDDLE.y} r={SIZE} />
      ) : (
        <polygon points={OUTLINES[shape].map(([x, y]) => `${MIDDLE.x + x * SIZE},${MIDDLE.y + y * SIZE}`).join(' ')} />
      )}
    </svg>
  );
}
