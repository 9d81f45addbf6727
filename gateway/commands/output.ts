// How commands print: tables with aligned columns for people, JSON for programs.

import { printableText } from '../printable.ts';
import type { Cli } from './cli.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | boolean | null | undefined;
}

export function printList<Row>(
  cli: Cli,
  ask: { rows: readonly Row[]; columns: readonly Column<Row>[]; json: boolean | undefined; empty: string },
): void {
  if (ask.json === true) return cli.out(JSON.stringify(ask.rows, null, 2));
  if (ask.rows.length === 0) return cli.say(ask.empty);
  const lines = [ask.columns.map(({ title }) => title), ...ask.rows.map((row) => ask.columns.map(({ cell }) => shown(cell(row))))];
  cli.out(aligned(lines).join('\n'));
}

/** `name  value` lines; what is empty is left out. */
export function printFacts(
  cli: Cli,
  facts: readonly (readonly [name: string, value: string | number | boolean | null | undefined])[],
): void {
  const there = facts.filter(([, value]) => value !== '' && value !== null && value !== undefined);
  cli.out(aligned(there.map(([name, value]) => [name, shown(value)])).join('\n'));
}

function shown(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return printableText(String(value));
}

function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const line of lines) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  return lines.map((line) =>
    line
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - [...cell].length)))
      .join('  ')
      .trimEnd(),
  );
}
