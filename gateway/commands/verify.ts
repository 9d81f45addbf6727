// fieldgate verify: everything that is stored looked through. Exit code 0 only when nothing was found.

import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import type { VerifyFinding } from '../protocol/rest.ts';
import { type CommandSpec, controlled, JSON_OPTION } from './cli.ts';
import { follow } from './upkeep.ts';

/** Findings that are kept for --json; all are counted. */
const MOST = 10_000;

export const VERIFY: CommandSpec = {
  name: 'verify',
  says: 'look through everything that is stored: pages, index, chunks, log and books',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    const found: VerifyFinding[] = [];
    const isJson = options.json === true;
    const { findings, chunks, readings } = await follow(cli, control, 'verified', {
      target: '/v1/verify',
      onFound: (finding) => {
        if (!isJson) cli.out(inWords(finding));
        else if (found.length < MOST) found.push(finding);
      },
    });
    if (isJson) cli.out(JSON.stringify({ isSound: findings === 0, chunks, readings, findings, found }));
    else if (findings === 0) cli.out(`sound: ${readings} readings, ${chunks} chunks`);
    if (findings > 0)
      throw new Failure(
        EXIT.failed,
        `${findings} ${findings === 1 ? 'thing is' : 'things are'} not as they should be; everything else can be read. Keep a copy of the data directory, and see "Backup, restore, verify, compact" in docs/operations.md`,
      );
  }),
};

function inWords({ what, device, metric, unit, fromMs, toMs, readings, detail }: VerifyFinding): string {
  const whose = [device, metric].filter((name) => name !== null).map(printableText);
  const from = fromMs === null || toMs === null ? '' : `${timeOf(fromMs)} to ${timeOf(toMs)}, ${readings ?? 0} readings`;
  const inUnit = unit === null || unit === '' ? '' : ` (${printableText(unit)})`;
  return [what, whose.join(' ') + inUnit, from, printableText(detail)].filter((part) => part !== '').join(': ');
}

function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
