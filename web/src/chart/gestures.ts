// How a plot is moved by hand. Wheel: with Ctrl, or while the plot has the focus, it zooms; sideways or with Shift it moves; else the page
// scrolls. Mouse: a drag chooses what to zoom to; with Shift, or on the time axis, it moves; a double click goes back. Touch: one finger
// reads, two zoom and move, up and down scrolls the page. Keys are `plotKey`.
import type { TimeAxis } from './time-axis.ts';

export interface GestureOptions {
  /** All of the plot with its axes. */
  readonly host: HTMLElement;
  /** The part between the axes. */
  readonly over: HTMLElement;
  readonly axis: TimeAxis;
  hasFocus(): boolean;
  /** `leftPx` from the left edge of `over`. */
  onRead(leftPx: number | null): void;
  onBrush(fromPx: number, toPx: number): void;
  onBrushEnd(): void;
  /** The page was scrolled over the plot: the moment to say how one zooms. */
  onPassedBy(): void;
}

const BRUSH_LEAST_PX = 6;
const WHEEL_PX = 400; // zooms by e
const LINE_PX = 16;

type Drag = { readonly kind: 'brush'; readonly fromPx: number } | { readonly kind: 'pan'; lastPx: number };

export function listenToGestures({ host, over, axis, hasFocus, onRead, onBrush, onBrushEnd, onPassedBy }: GestureOptions): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const touches = new Map<number, number>();
  let drag: Drag | null = null;
  let reads = false;

  const leftOf = (clientX: number): number => clientX - over.getBoundingClientRect().left;
  const msPerPx = (): number => {
    const [fromMs, toMs] = axis.edges();
    return (toMs - fromMs) / Math.max(over.clientWidth, 1);
  };
  const timeAt = (leftPx: number): number => axis.edges()[0] + leftPx * msPerPx();
  const read = (leftPx: number | null): void => {
    reads = leftPx !== null;
    onRead(leftPx === null ? null : Math.min(Math.max(leftPx, 0), over.clientWidth));
  };
  const isOver = (event: MouseEvent): boolean => {
    const box = over.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  };

  host.addEventListener(
    'wheel',
    (event) => {
      const unit =
        event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? over.clientHeight : 1;
      const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      if (isSideways) {
        event.preventDefault();
        axis.pan((event.deltaX || event.deltaY) * unit * msPerPx());
      } else if (event.ctrlKey || event.metaKey || hasFocus()) {
        event.preventDefault();
        axis.zoom(Math.exp(Math.min(Math.max(event.deltaY * unit, -WHEEL_PX), WHEEL_PX) / WHEEL_PX), timeAt(leftOf(event.clientX)));
      } else onPassedBy();
    },
    { passive: false, signal },
  );

  host.addEventListener(
    'pointerdown',
    (event) => {
      if (event.pointerType !== 'mouse') {
        touches.set(event.pointerId, event.clientX);
        if (touches.size === 1 && isOver(event)) read(leftOf(event.clientX));
        else read(null);
        return;
      }
      if (event.button !== 0) return;
      const isInside = isOver(event);
      drag = isInside && !event.shiftKey ? { kind: 'brush', fromPx: leftOf(event.clientX) } : { kind: 'pan', lastPx: event.clientX };
      host.setPointerCapture(event.pointerId);
      host.classList.toggle('is-panned', drag.kind === 'pan');
    },
    { signal },
  );

  host.addEventListener(
    'pointermove',
    (event) => {
      if (event.pointerType !== 'mouse') {
        if (touches.has(event.pointerId)) touched(event);
      } else if (drag?.kind === 'brush') {
        onBrush(drag.fromPx, Math.min(Math.max(leftOf(event.clientX), 0), over.clientWidth));
      } else if (drag?.kind === 'pan') {
        const byPx = drag.lastPx - event.clientX;
        drag.lastPx = event.clientX;
        if (byPx !== 0) axis.pan(byPx * msPerPx());
      } else if (isOver(event)) read(leftOf(event.clientX));
      else if (reads) read(null);
    },
    { signal },
  );

  function touched(event: PointerEvent): void {
    if (touches.size !== 2) {
      touches.set(event.pointerId, event.clientX);
      if (touches.size === 1 && (reads || isOver(event))) read(leftOf(event.clientX));
      return;
    }
    const before = [...touches.values()].map(leftOf);
    touches.set(event.pointerId, event.clientX);
    const after = [...touches.values()].map(leftOf);
    const [b1 = 0, b2 = 0] = before;
    const [a1 = 0, a2 = 0] = after;
    // what lay under the fingers stays under them
    const heldMs = timeAt((b1 + b2) / 2);
    const factor = Math.min(Math.max(Math.abs(b2 - b1), 24) / Math.max(Math.abs(a2 - a1), 24), 8);
    const movedMs = ((b1 + b2) / 2 - (a1 + a2) / 2) * msPerPx();
    if (factor !== 1) axis.zoom(factor, heldMs);
    if (movedMs !== 0) axis.pan(movedMs * factor);
  }

  function release(event: PointerEvent): void {
    touches.delete(event.pointerId);
    const ended = drag;
    drag = null;
    host.classList.remove('is-panned');
    if (ended?.kind !== 'brush') return;
    onBrushEnd();
    const toPx = Math.min(Math.max(leftOf(event.clientX), 0), over.clientWidth);
    if (event.type === 'pointercancel' || Math.abs(toPx - ended.fromPx) < BRUSH_LEAST_PX) return;
    const [fromMs, toMs] = [timeAt(Math.min(ended.fromPx, toPx)), timeAt(Math.max(ended.fromPx, toPx))];
    axis.show({ kind: 'fixed', fromMs, toMs });
  }
  host.addEventListener('pointerup', release, { signal });
  host.addEventListener('pointercancel', release, { signal });
  host.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && drag === null && read(null), { signal });
  host.addEventListener('dblclick', () => axis.reset(), { signal });
  return () => listening.abort();
}

/** What a key does to the axis; false when it does nothing. */
export function moveByKey(axis: TimeAxis, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const [fromMs, toMs] = axis.edges();
  const around = axis.cursorMs.peek();
  switch (event.key) {
    case '+':
    case '=':
      axis.zoom(0.5, around ?? undefined);
      return true;
    case '-':
    case '_':
      axis.zoom(2, around ?? undefined);
      return true;
    case 'ArrowLeft':
    case 'ArrowRight':
      if (!event.shiftKey) return false;
      axis.pan(((toMs - fromMs) / 4) * (event.key === 'ArrowLeft' ? -1 : 1));
      return true;
    case '0':
      axis.reset();
      return true;
    default:
      return false;
  }
}
