// Which rows of a long list are near the screen, while the page itself scrolls. All rows are of one height, so this is a division. Nothing
// is measured while drawing, which would lay the page out twice a frame.
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

export interface VirtualRow {
  readonly index: number;
  /** One of few, the same as long as the row is near: what was drawn for a row that left is drawn over, not thrown away. */
  readonly slot: number;
}
export interface VirtualRows {
  readonly rows: readonly VirtualRow[];
  readonly totalPx: number;
  /** From the list's top to its first row present. */
  readonly offsetPx: number;
}

/** Rows kept ready above and below the screen. */
const SPARE = 3;

export function useVirtualRows(list: RefObject<HTMLElement | null>, count: number, rowPx: number): VirtualRows {
  const [first, setFirst] = useState(0);
  const [room, setRoom] = useState(() => Math.ceil(window.innerHeight / rowPx));
  useLayoutEffect(() => {
    let topPx = 0;
    const look = (): void => {
      setFirst(Math.max(0, Math.floor((window.scrollY - topPx) / rowPx)));
      setRoom(Math.ceil(window.innerHeight / rowPx));
    };
    const measure = (): void => {
      if (list.current !== null) topPx = list.current.getBoundingClientRect().top + window.scrollY;
      look();
    };
    // told once it is laid out: what stands above the list may have grown
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    measure();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      removeEventListener('scroll', look);
      removeEventListener('resize', measure);
    };
  }, [rowPx]);

  const slots = room + 1 + 2 * SPARE;
  const from = Math.max(0, Math.min(first, count) - SPARE);
  const until = Math.min(count, from + slots);
  const rows = Array.from({ length: Math.max(0, until - from) }, (_, i) => ({ index: from + i, slot: (from + i) % slots }));
  return { rows, totalPx: count * rowPx, offsetPx: from * rowPx };
}
