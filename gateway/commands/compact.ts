// fieldgate compact: seal everything now, drop the replay tail, give space back, and say what a reading takes.

import type { UpkeepNews } from '../protocol/rest.ts';
import { type CommandSpec, controlled, JSON_OPTION } from './cli.ts';
import { printFacts } from './output.ts';
import { follow } from './upkeep.ts';

export const COMPACT: CommandSpec = {
  name: 'compact',
  says: 'seal everything now, drop the replay tail, give space back',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    const { readings, bytes }: Extract<UpkeepNews, { type: 'compacted' }> = await follow(cli, control, 'compacted', {
      target: '/v1/compact',
    });
    const bytesPerReading = readings === 0 ? null : Number((bytes / readings).toFixed(3));
    if (options.json === true) cli.out(JSON.stringify({ readings, bytes, bytesPerReading }));
    else
      printFacts(cli, [
        ['readings', readings],
        ['bytes', bytes],
        ['bytes a reading', bytesPerReading],
      ]);
  }),
};
