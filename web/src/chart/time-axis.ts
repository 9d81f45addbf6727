// What span of time the charts of a page show: one that ends now and goes on, or a fixed one. Shared by all of them, so that they move
// together. Times in ms of the gateway's clock.
import { signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import { serverNowMs } from '../clock.ts';

export type TimeView =
  | { readonly kind: 'live'; readonly spanMs: number }
  | { readonly kind: 'fixed'; readonly fromMs: number; readonly toMs: number };

export interface TimeAxis {
  /** Changes with every move of a finger. */
  readonly view: ReadonlySignal<TimeView>;
  /** Follows `view` when it has been left alone for a moment: what is loaded and what stands in the address. */
  readonly settled: ReadonlySignal<TimeView>;
  /** The moment that is read, null when none is. */
  readonly cursorMs: Signal<number | null>;
  /** The edges of what is shown now. */
  edges(): readonly [fromMs: number, toMs: number];
  show(view: TimeView): void;
  /** Shows `factor` times as much; `aroundMs` stays where it is on the screen. Without it, the newest edge of a live view does. */
  zoom(factor: number, aroundMs?: number): void;
  /** Later by `byMs`; a view that reaches the present follows it from then on. */
  pan(byMs: number): void;
  /** To what the page shows when nothing else was asked for. */
  reset(): void;
  readonly isMoved: () => boolean;
  close(): void;
}

export const LEAST_SPAN_MS = 20;
const MOST_SPAN_MS = 20 * 365 * 86_400_000;
const SETTLE_MS = 160;

export function createTimeAxis(first: TimeView, home: () => TimeView): TimeAxis {
  const view = signal<TimeView>(first);
  const settled = signal<TimeView>(first);
  const cursorMs = signal<number | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const edges = (): readonly [number, number] => edgesOf(view.peek());
  function put(next: TimeView, isAtOnce = false): void {
    if (isSameView(next, view.peek())) return;
    view.value = next;
    clearTimeout(timer);
    if (isAtOnce) settled.value = next;
    else
      timer = setTimeout(() => {
        settled.value = view.peek();
      }, SETTLE_MS);
  }
  function putEdges(fromMs: number, toMs: number): void {
    const nowMs = serverNowMs();
    const spanMs = Math.min(Math.max(toMs - fromMs, LEAST_SPAN_MS), MOST_SPAN_MS);
    if (toMs >= nowMs) put({ kind: 'live', spanMs: Math.round(spanMs) });
    else put(rounded(fromMs, fromMs + spanMs));
  }

  return {
    view,
    settled,
    cursorMs,
    edges,
    show: (next) => put(next.kind === 'fixed' ? rounded(next.fromMs, Math.max(next.toMs, next.fromMs + LEAST_SPAN_MS)) : next, true),
    zoom(factor, aroundMs) {
      const now = view.peek();
      const [fromMs, toMs] = edges();
      const spanMs = Math.min(Math.max((toMs - fromMs) * factor, LEAST_SPAN_MS), MOST_SPAN_MS);
      if (aroundMs === undefined && now.kind === 'live') return put({ kind: 'live', spanMs: Math.round(spanMs) });
      const around = aroundMs ?? (fromMs + toMs) / 2;
      const share = (around - fromMs) / (toMs - fromMs);
      const from = around - share * spanMs;
      // zoomed out past the present: what would lie in the future is shown of the past
      putEdges(from, from + spanMs);
    },
    pan(byMs) {
      const [fromMs, toMs] = edges();
      putEdges(fromMs + byMs, toMs + byMs);
    },
    reset: () => put(home(), true),
    isMoved: () => !isSameView(view.value, home()),
    close: () => clearTimeout(timer),
  };
}

export function edgesOf(view: TimeView): readonly [fromMs: number, toMs: number] {
  if (view.kind === 'fixed') return [view.fromMs, view.toMs];
  const nowMs = serverNowMs();
  return [nowMs - view.spanMs, nowMs];
}

export const spanOf = (view: TimeView): number => (view.kind === 'live' ? view.spanMs : view.toMs - view.fromMs);

export function isSameView(a: TimeView, b: TimeView): boolean {
  if (a.kind === 'live') return b.kind === 'live' && a.spanMs === b.spanMs;
  return b.kind === 'fixed' && a.fromMs === b.fromMs && a.toMs === b.toMs;
}

/** Whole ms, so that an address shows exactly what it was copied from. */
const rounded = (fromMs: number, toMs: number): TimeView => ({ kind: 'fixed', fromMs: Math.floor(fromMs), toMs: Math.ceil(toMs) });
