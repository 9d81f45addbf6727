// fieldgate restore: a backup into an empty or stopped directory. What ended since the backup stays ended, or nothing comes back in force.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openDataDirectory } from '../data-directory.ts';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import { type CommandSpec, configOf, type Given } from './cli.ts';

interface RestoreOptions {
  readonly trustBackup?: boolean;
}

export const RESTORE: CommandSpec = {
  name: 'restore',
  says: 'a backup into an empty directory, or in the place of what a stopped one has',
  args: ['file'],
  options: [{ flags: '--trust-backup', says: 'leave credentials in force although there is no revocations.log that says what has ended' }],
  run: async (cli, { args: [name = ''], options }: Given<RestoreOptions>) => {
    const { config } = configOf(cli, options);
    const file = resolve(cli.cwd, name);
    if (!existsSync(file)) throw new Failure(EXIT.failed, `${file}: there is no such file`);
    process.umask(0o077);
    const directory = openDataDirectory(config.data);
    try {
      const { restoreBackup } = await import('../restore.ts');
      const restored = restoreBackup(file, config.data, { isTrusted: options.trustBackup === true, progress: (doing) => cli.say(doing) });
      const { facts, madeAtMs, before, suspended, revocations } = restored;
      cli.say(`restored ${config.data}: ${facts.position} readings, as they were on ${new Date(madeAtMs).toISOString()}`);
      if (before !== null) cli.say(`what was there before is in ${before}: remove it when all is well`);
      if (suspended === null) {
        if (revocations > 0) cli.say(`revocations.log has ${revocations} lines: what they name stays ended`);
        return;
      }
      cli.say(
        'There is no revocations.log of this registry, so nobody knows what has ended since the backup: nothing is in force. Look through the list, then\n' +
          '  device: fieldgate device resume ID · user: fieldgate user password NAME · key: fieldgate key add · enrolment: fieldgate enrol add',
      );
      for (const { id, isActive } of suspended.devices) cli.out(`device ${id}${isActive ? '' : ' (was suspended before)'}`);
      for (const user of suspended.users) cli.out(`user ${printableText(user.name)}`);
      for (const key of suspended.keys) cli.out(`key ${printableText(key.name)} (${key.id})`);
      for (const { id } of suspended.enrolments) cli.out(`enrolment ${id}`);
    } finally {
      directory.close();
    }
  },
};
