// fieldgate backup: one file with everything, made while the gateway works, and looked through before it gets its name.

import { resolve } from 'node:path';
import { type CommandSpec, controlled, JSON_OPTION } from './cli.ts';
import { printFacts } from './output.ts';
import { follow } from './upkeep.ts';

export const BACKUP: CommandSpec = {
  name: 'backup',
  says: 'readings and registry into one file, while the gateway runs; it is verified before it gets its name',
  args: ['file'],
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { args: [name = ''], options }) => {
    const made = await follow(cli, control, 'backed-up', { target: '/v1/backups', body: { file: resolve(cli.cwd, name) } });
    const { file, bytes, position } = made;
    if (options.json === true) cli.out(JSON.stringify({ file, bytes, position }));
    else
      printFacts(cli, [
        ['file', file],
        ['bytes', bytes],
        ['readings up to', position],
      ]);
    cli.say('what has ended is in revocations.log, and that is not in a backup: keep a copy of it elsewhere, too');
  }),
};
