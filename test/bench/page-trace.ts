// Script time of each frame and long tasks of a page, by the browser's own trace of its main thread. All of it is processor time: other
// programs on the machine do not lengthen it.

import type { Browser, Page } from 'playwright-core';

/** Put into a page before its own script: notes tasks over 50 ms, by the clock on the wall. */
export const OBSERVE = `globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true });`;
/** Those since it was last asked. */
export const longTasks = (page: Page): Promise<number[]> => page.evaluate('longTasks.splice(0)');

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  /** Of the thread's own time, which other programs on this machine do not lengthen. */
  readonly tdur?: number;
  readonly pid: number;
  readonly tid: number;
}
export interface Traced {
  /** Each frame's script, sorted, in ms of processor time. */
  readonly script: readonly number[];
  /** Tasks over 50 ms of processor time. */
  readonly longTasks: readonly number[];
}
const SCRIPT = new Set([
  'FunctionCall',
  'EvaluateScript',
  'RunMicrotasks',
  'v8.compile',
  'TimerFire',
  'FireAnimationFrame',
  'EventDispatch',
]);
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline.frame', 'toplevel', 'v8'];
const LONG_TASK_MS = 50;

/** By the browser's own trace of the page's main thread. */
export async function traced(browser: Browser, page: Page, work: () => Promise<void>): Promise<Traced> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const calls = new Map<string, number>();
  for (const { name, pid, tid } of traceEvents)
    if (name === 'FunctionCall') calls.set(`${pid} ${tid}`, (calls.get(`${pid} ${tid}`) ?? 0) + 1);
  const [main] = [...calls].sort((a, b) => b[1] - a[1])[0] ?? [''];
  const own = traceEvents.filter(({ pid, tid }) => `${pid} ${tid}` === main).sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  const begins = own.filter(({ name }) => name === 'BeginMainThreadFrame').map(({ ts }) => ts);
  const spent = new Float64Array(begins.length);
  const longTasks: number[] = [];
  let frame = 0;
  let coveredTo = 0;
  for (const { name, ph, ts, dur = 0, tdur = dur } of own) {
    if (ph !== 'X') continue;
    if (name.endsWith('RunTask') && tdur > LONG_TASK_MS * 1000) longTasks.push(tdur / 1000);
    // what runs inside another has been counted with it
    if (!SCRIPT.has(name) || ts < coveredTo) continue;
    while (frame + 1 < begins.length && (begins[frame + 1] as number) <= ts) frame++;
    if (ts >= (begins[frame] ?? Number.POSITIVE_INFINITY)) spent[frame] = (spent[frame] as number) + tdur / 1000;
    coveredTo = ts + dur;
  }
  return { script: [...spent].sort((a, b) => a - b), longTasks };
}

/** Of sorted figures the one that `share` of them are below. */
export const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
