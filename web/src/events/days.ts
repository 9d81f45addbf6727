// A list by days, the newest first as it comes.
import { nowMs } from '../clock.ts';
import { formatDate, formatDay } from '../format.ts';
import { text } from '../i18n/en.ts';

export interface Day<T> {
  readonly name: string;
  readonly items: readonly T[];
}
const DAY_MS = 86_400_000;

export function byDay<T extends { readonly atMs: number }>(items: readonly T[]): readonly Day<T>[] {
  const today = formatDate(nowMs.value);
  const yesterday = formatDate(nowMs.value - DAY_MS);
  const days = new Map<string, T[]>();
  for (const item of items) {
    const date = formatDate(item.atMs);
    const its = days.get(date);
    if (its === undefined) days.set(date, [item]);
    else its.push(item);
  }
  const nameOf = (date: string, atMs: number): string =>
    date === today ? text.eventsPage.today : date === yesterday ? text.eventsPage.yesterday : formatDay(atMs);
  return [...days].map(([date, its]) => ({ name: nameOf(date, its[0]?.atMs ?? 0), items: its }));
}
