// fieldgate import: a file of readings into the history of a device. The same content twice is stored once, and what was cut off goes on.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import type { ImportNews } from '../protocol/rest.ts';
import { type CommandSpec, controlled, JSON_OPTION } from './cli.ts';
import { printFacts } from './output.ts';

interface ImportOptions {
  readonly device: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly json?: boolean;
  readonly progress?: boolean;
}

export const IMPORT: CommandSpec = {
  name: 'import',
  says: 'readings of a CSV or NDJSON file as history; the same content twice is stored once',
  args: ['file'],
  options: [
    {
      flags: '--device <id>',
      says: 'whose rows are taken, and whose those are that name nobody; * takes those of all devices',
      isRequired: true,
    },
    { flags: '--metric <name>', says: 'for rows that name none' },
    { flags: '--unit <unit>', says: 'for rows that have none, such as Cel' },
    JSON_OPTION,
    { flags: '--progress', says: 'tell how far it is also where stderr is no terminal' },
  ],
  run: controlled<ImportOptions>(async (cli, control, { args: [name = ''], options }) => {
    const file = resolve(cli.cwd, name);
    const found = await stat(file).catch(() => null);
    if (found === null || !found.isFile()) throw new Failure(EXIT.failed, 'there is no such file');
    const { device, metric, unit } = options;
    const query = new URLSearchParams({ device, ...(metric !== undefined && { metric }), ...(unit !== undefined && { unit }) });
    const answer = await control.exchange({
      method: 'POST',
      target: `/v1/import?${query.toString().replaceAll('+', '%20')}`,
      body: { type: 'application/octet-stream', bytes: found.size, content: createReadStream(file) },
    });
    const tells = options.progress === true || process.stderr.isTTY;
    const startedMs = performance.now();
    let last: ImportNews | null = null;
    for await (const line of createInterface({ input: answer })) {
      last = JSON.parse(line) as ImportNews;
      if (last.type !== 'progress' || !tells) continue;
      const { stored, already, bytes, ofBytes } = last;
      const rate = Math.round((stored + already) / ((performance.now() - startedMs) / 1000));
      cli.say(`${Math.floor((bytes / Math.max(ofBytes, 1)) * 100)} %: ${stored} stored, ${already} there before, ${rate} readings/s`);
    }
    if (last === null || last.type === 'progress')
      throw new Failure(EXIT.failed, 'the gateway stopped in the middle: import the file again, what is stored is passed over');
    if (options.json === true) cli.out(JSON.stringify(last));
    else printCounts(cli, last);
    if (last.type === 'failed') throw new Failure(EXIT.failed, printableText(last.message));
    const { stored, already, refused, foreign, unknown } = last;
    if (stored + already === 0 && Object.keys(refused).length === 0 && foreign + unknown > 0)
      throw new Failure(EXIT.failed, 'no row of the file is of a device that was asked for and is here; see its column device');
  }),
};

function printCounts(cli: Parameters<typeof printFacts>[0], news: ImportNews): void {
  const { stored, already, refused, empty, foreign, unknown } = news;
  const some = (n: number): number | undefined => (n === 0 ? undefined : n);
  printFacts(cli, [
    ['stored', stored],
    ['there before', already],
    ...Object.entries(refused).map(([code, n]) => [`in quarantine, ${code}`, n] as const),
    ['without a value', some(empty)],
    ['of other devices', some(foreign)],
    ['of unknown devices', some(unknown)],
  ]);
}
