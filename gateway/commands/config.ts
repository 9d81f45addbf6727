// fieldgate config …: what is wrong with the configuration, what is in force, and one to begin with.

import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readYaml } from '../config-file.ts';
import { withConsole } from '../config-console.ts';
import { type ConfigRow, configRows, CONSOLE_SOURCE } from '../config-view.ts';
import { EXIT, Failure } from '../failure.ts';
import { type LoadedConfig, loadConfig } from '../load-config.ts';
import { memoryBudget } from '../memory-budget.ts';
import { readOwnCertificate } from '../own-certificate.ts';
import { type Cli, type CommandSpec, configFailure, configOf, controlled, type Given, type GroupSpec, JSON_OPTION, usage } from './cli.ts';
import { starterFile } from './config-starter.ts';
import { printList } from './output.ts';

const check: CommandSpec = {
  name: 'check',
  says: 'every problem at once',
  run: async (cli, { options }) => {
    const loaded = loadConfig({ flags: options, env: cli.env, cwd: cli.cwd });
    const { tls } = loaded.config;
    const problems = [...loaded.problems];
    if (problems.every(({ path }) => path !== 'tls') && typeof tls === 'object') {
      const own = readOwnCertificate(tls, Date.now());
      if (!('cert' in own)) problems.push(...own.filter(({ message }) => problems.every((known) => known.message !== message)));
    }
    if (problems.length > 0) throw configFailure(problems);
    const { total, cap } = memoryBudget(loaded.config.limits);
    cli.say(
      `the configuration is fine (${loaded.file ?? 'no file: defaults, environment and flags'}); memory with everything full: ${mib(total)} of ${mib(cap)} MiB`,
    );
  },
};

const show: CommandSpec = {
  name: 'show',
  says: 'what is in force, and where each value is from',
  options: [JSON_OPTION],
  run: async (cli, { options }: Given<{ json?: boolean }>) => {
    const rows = await effectiveRows(cli, configOf(cli, options));
    if (options.json === true)
      cli.out(JSON.stringify(Object.fromEntries(rows.map(({ key, value, source }) => [key, { value, source }])), null, 2));
    else table(cli, rows);
  },
};

const init: CommandSpec = {
  name: 'init',
  says: 'a commented file to begin with: into --config FILE, or on stdout',
  run: async (cli, { options }) => {
    const { config } = options as { config?: string };
    if (config === undefined) return cli.out(starterFile().trimEnd());
    const file = resolve(cli.cwd, config);
    try {
      writeFileSync(file, starterFile(), { flag: 'wx', mode: 0o644 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST')
        throw new Failure(EXIT.cannotCreate, `${file} exists already, and is left as it is; name another with --config`);
      if (code === 'ENOENT') throw new Failure(EXIT.cannotCreate, `the folder of ${file} does not exist`);
      throw error;
    }
    cli.say(`wrote ${file}`);
  },
};

const set: CommandSpec = {
  name: 'set',
  says: 'change what may be changed while the gateway runs, as the console does: retention, backup, liveness',
  args: ['KEY', 'VALUE'],
  run: controlled(async (cli, control, { args: [key = '', text = ''] }) => {
    const value = readYaml(text);
    if (value === undefined || value === null)
      throw usage(`${JSON.stringify(text.slice(0, 64))} is no value; to take a setting back: config unset ${key}`);
    await control.ask('PATCH', '/v1/settings', bodyFor(key, value));
    cli.say(`${key} is set, and in force`);
  }),
};

const unset: CommandSpec = {
  name: 'unset',
  says: 'take back what config set or the console has set',
  args: ['KEY'],
  run: controlled(async (cli, control, { args: [key = ''] }) => {
    await control.ask('PATCH', '/v1/settings', bodyFor(key, null));
    cli.say(`${key} is its default again`);
  }),
};

export const CONFIG: GroupSpec = { name: 'config', says: 'the configuration', commands: [check, show, init, set, unset] };

/** `backup.every` → `{backup: {every: …}}` */
function bodyFor(key: string, value: unknown): object {
  return key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

function table(cli: Cli, rows: readonly ConfigRow[]): void {
  printList(cli, {
    rows,
    json: false,
    empty: '',
    columns: [
      { title: 'KEY', cell: (row) => row.key },
      { title: 'VALUE', cell: (row) => (typeof row.value === 'string' ? row.value : JSON.stringify(row.value)) },
      { title: 'SOURCE', cell: (row) => row.source },
    ],
  });
}

/** With what the console has set, whether a gateway runs or not; the registry is only read. */
async function effectiveRows(cli: Cli, { config, sources, secrets }: LoadedConfig): Promise<ConfigRow[]> {
  const file = join(config.data, 'registry.db');
  if (!existsSync(file)) return configRows(config, { sources, secrets });
  // loaded only here: a database is no part of most of these commands
  const [{ readSettings }, { readRows }] = await Promise.all([import('../storage/settings-file.ts'), import('../settings-book.ts')]);
  try {
    const values = readRows(readSettings(file), { sources }, (key, why) =>
      cli.say(`${key} as the console has set it is not in force: ${why}`),
    );
    const all = new Map(sources);
    for (const key of values.keys()) all.set(key, CONSOLE_SOURCE);
    return configRows(withConsole(config, values), { sources: all, secrets });
  } catch (error) {
    cli.say(`what the console has set is not shown: ${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
    return configRows(config, { sources, secrets });
  }
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
