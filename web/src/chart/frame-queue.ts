// Painting in turns: each part asks to be painted, at most once a frame, and a frame stops painting when its share of time is used up. So
// many charts under many readings slow down their pictures, never the page.
const BUDGET_MS = 3;

const waiting = new Set<() => void>();
let frame = 0;

function run(): void {
  frame = 0;
  const endMs = performance.now() + BUDGET_MS;
  for (const paint of waiting) {
    waiting.delete(paint);
    paint();
    if (performance.now() >= endMs) break;
  }
  if (waiting.size > 0) frame = requestAnimationFrame(run);
}

/** Those who wait longest are painted first; asking again while waiting changes nothing. */
export function queuePaint(paint: () => void): void {
  waiting.add(paint);
  frame ||= requestAnimationFrame(run);
}
export function dropPaint(paint: () => void): void {
  waiting.delete(paint);
}
