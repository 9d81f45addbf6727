// Which rows of a long list are near the screen, while the page itself scrolls.
import { Virtualizer, observeWindowOffset, observeWindowRect, windowScroll } from '@tanstack/virtual-core';
import type { VirtualItem } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

export interface VirtualRows {
  readonly rows: readonly VirtualItem[];
  readonly totalPx: number;
  /** From the list's top to its first row present. */
  readonly offsetPx: number;
}

export function useVirtualRows(list: RefObject<HTMLElement | null>, count: number, rowPx: number): VirtualRows {
  const [, render] = useReducer((turn: number, _why: undefined) => turn + 1, 0);
  const held = useRef<Virtualizer<Window, Element> | null>(null);
  const marginPx = useRef(0);
  const options = {
    count,
    estimateSize: () => rowPx,
    getScrollElement: (): Window => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    overscan: 6,
    scrollMargin: marginPx.current,
    initialOffset: () => window.scrollY,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    onChange: () => render(undefined),
  };
  const virtual = held.current ?? new Virtualizer<Window, Element>(options);
  held.current = virtual;
  virtual.setOptions(options);

  useLayoutEffect(() => virtual._didMount(), []);
  useLayoutEffect(() => {
    virtual._willUpdate();
    const top = list.current === null ? 0 : list.current.getBoundingClientRect().top + window.scrollY;
    if (Math.abs(top - marginPx.current) >= 1) {
      marginPx.current = top;
      render(undefined);
    }
  });
  useLayoutEffect(() => virtual.measure(), [rowPx]);

  const rows = virtual.getVirtualItems();
  return { rows, totalPx: virtual.getTotalSize(), offsetPx: (rows[0]?.start ?? 0) - marginPx.current };
}
