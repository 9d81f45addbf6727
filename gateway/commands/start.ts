// fieldgate start: runs the gateway until somebody says stop. One line on stdout when it accepts connections; everything else is the log.

import { flushCompileCache } from 'node:module';
import { EXIT } from '../failure.ts';
import type { RunningGateway } from '../run-gateway.ts';
import { type CommandSpec, configOf, type OptionSpec, wholeBetween } from './cli.ts';

/** Beyond the drain: closing files, ending threads. */
const GRACE_MS = 3000;

export const PORT_OPTION: OptionSpec = { flags: '--port <n>', says: 'the port; 0 picks a free one', read: wholeBetween(0, 65_535) };

export const START: CommandSpec = {
  name: 'start',
  says: 'run the gateway',
  options: [
    { flags: '--host <host>', says: 'the address to listen on' },
    PORT_OPTION,
    { flags: '--tls <mode>', says: 'auto, off, or CERT,KEY: two files' },
  ],
  run: async (cli, { options }) => {
    const loaded = configOf(cli, options);
    // loaded only here: the other commands start in a third of the time
    const { runGateway } = await import('../run-gateway.ts');
    const gateway = await runGateway({ config: loaded.config, file: loaded.file, origin: loaded, env: cli.env, say: cli.say });
    const asked = untilAskedToStop(gateway);
    cli.out(`ready ${gateway.url}`);
    // a box that is switched off never ends by itself, which is when Node would keep it
    flushCompileCache();
    gateway.log.info({ signal: await asked }, 'stopping; once more (Ctrl-C) to end at once');
    process.exit(await stopWithin(gateway, loaded.config.limits.drainSeconds * 1000 + GRACE_MS));
  },
};

/** One Ctrl-C under npm arrives twice, from the terminal and from npm: a repeat this soon is the same one. */
const SAME_KEY_MS = 300;

/** Resolves at the first SIGINT or SIGTERM; the second SIGINT ends the process as it is. */
export function untilAskedToStop(gateway: Pick<RunningGateway, 'log' | 'reload' | 'closeLog'>): Promise<string> {
  process.on('SIGHUP', () => {
    gateway.log.info({}, 'SIGHUP: looking at the files again');
    gateway.reload();
  });
  process.on('SIGPIPE', () => undefined);
  process.on('uncaughtException', (error) => {
    gateway.log.error({ error }, 'something broke that nobody expected; ending, so that a supervisor starts afresh');
    void gateway.closeLog().finally(() => process.exit(EXIT.failed));
  });
  return new Promise((resolve) => {
    let askedAtMs: number | null = null;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (askedAtMs !== null && signal === 'SIGINT' && now - askedAtMs > SAME_KEY_MS) process.exit(EXIT.interrupted);
        askedAtMs ??= now;
        resolve(signal);
      });
    }
  });
}

export async function stopWithin(gateway: Pick<RunningGateway, 'log' | 'stop' | 'closeLog'>, deadlineMs: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), deadlineMs);
  });
  const done = gateway.stop().then(
    () => 'stopped' as const,
    (error: unknown) => {
      gateway.log.error({ error }, 'stopping failed');
      return 'failed' as const;
    },
  );
  const outcome = await Promise.race([done, late]);
  clearTimeout(timer);
  if (outcome === 'late')
    gateway.log.error({ deadlineMs }, 'not everything ended in time; ending anyway. What was acknowledged is on disk');
  else gateway.log.info({}, 'stopped');
  await gateway.closeLog();
  return outcome === 'stopped' ? EXIT.done : EXIT.failed;
}
