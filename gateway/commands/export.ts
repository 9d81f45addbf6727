// fieldgate export: history as CSV or NDJSON, to a pipe or into a file that is whole or not there.

import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resolve } from 'node:path';
import { type CommandSpec, controlled } from './cli.ts';
import { refuseExisting, startTelling, writeWhole } from './file-exchange.ts';

interface ExportOptions {
  readonly device: readonly string[];
  readonly metric?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly format?: 'csv' | 'ndjson';
  readonly output?: string;
  readonly force?: boolean;
  readonly progress?: boolean;
}

const [NEWLINE, QUOTE] = [10, 34] as const;

export const EXPORT: CommandSpec = {
  name: 'export',
  says: 'readings as CSV or NDJSON, by time; to stdout, or into a file',
  options: [
    { flags: '--device <id>', says: 'whose; * matches any run of characters; repeatable', isRequired: true, isList: true },
    { flags: '--metric <name>', says: 'which; * matches any run of characters; repeatable; left out: all', isList: true },
    { flags: '--from <time>', says: 'RFC 3339, epoch milliseconds or now-6h; included' },
    { flags: '--to <time>', says: 'likewise; not included' },
    { flags: '--format <format>', says: 'csv when left out', choices: ['csv', 'ndjson'] },
    { flags: '-o, --output <file>', says: 'a file, which only its owner may read' },
    { flags: '--force', says: 'replace a file that is there' },
    { flags: '--progress', says: 'tell how far it is also where stderr is no terminal' },
  ],
  run: controlled<ExportOptions>(async (cli, control, { options }) => {
    const { device, metric = [], from, to, format = 'csv', output, force = false } = options;
    const file = output === undefined ? null : resolve(cli.cwd, output);
    if (file !== null) refuseExisting(file, force);
    const query = new URLSearchParams({ format });
    for (const one of device) query.append('device', one);
    for (const one of metric) query.append('metric', one);
    if (from !== undefined) query.set('from', from);
    if (to !== undefined) query.set('to', to);
    const content = await control.exchange({ method: 'GET', target: `/v1/readings?${query.toString().replaceAll('+', '%20')}` });
    const tells = options.progress === true || process.stderr.isTTY;
    const counter = createCounter(format);
    using _ = tells ? startTelling(cli.say, counter.words) : { [Symbol.dispose]: () => undefined };
    const counted = tells ? content.pipe(counter.stream) : content;
    if (tells) content.once('error', (error) => counter.stream.destroy(error));
    try {
      if (file !== null) await writeWhole(file, counted, force);
      else await pipeline(counted, process.stdout, { end: false });
    } catch (error) {
      // whoever read it (head, less) has seen enough
      if (file === null && (error as NodeJS.ErrnoException).code === 'EPIPE') return;
      throw error;
    }
    if (tells) cli.say(counter.words());
  }),
};

/** Readings and bytes that went through. */
function createCounter(format: 'csv' | 'ndjson') {
  const startedMs = performance.now();
  let rows = format === 'csv' ? -1 : 0;
  let bytes = 0;
  /** A line break in quotes ends no row; in NDJSON there is none. */
  let isQuoted = false;
  const stream = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      for (let i = 0; i < piece.length; i++) {
        if (piece[i] === NEWLINE && !isQuoted) rows++;
        else if (piece[i] === QUOTE && format === 'csv') isQuoted = !isQuoted;
      }
      done(null, piece);
    },
  });
  return {
    stream,
    words(): string {
      const seconds = (performance.now() - startedMs) / 1000;
      const readings = Math.max(0, rows);
      return `${readings} readings, ${(bytes / 1e6).toFixed(1)} MB, ${Math.round(readings / Math.max(seconds, 0.001))} readings/s`;
    },
  };
}
