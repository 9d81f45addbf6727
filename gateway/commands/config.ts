// fieldgate config …: what is wrong with the configuration, what is in force, and one to begin with.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { EXIT, Failure } from '../failure.ts';
import { loadConfig } from '../load-config.ts';
import { memoryBudget } from '../memory-budget.ts';
import { readOwnCertificate } from '../own-certificate.ts';
import { type Cli, type CommandSpec, configFailure, configOf, type Given, type GroupSpec, JSON_OPTION } from './cli.ts';
import { starterFile } from './config-starter.ts';
import { printList } from './output.ts';

const MASK = '********';

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

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

const show: CommandSpec = {
  name: 'show',
  says: 'what is in force, and where each value is from',
  options: [JSON_OPTION],
  run: async (cli, { options }: Given<{ json?: boolean }>) => {
    const { config, sources, secrets } = configOf(cli, options);
    const rows = [...sources].map(([key, source]): Row => ({ key, value: secrets.has(key) ? MASK : valueAt(config, key), source }));
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

export const CONFIG: GroupSpec = { name: 'config', says: 'the configuration', commands: [check, show, init] };

function table(cli: Cli, rows: readonly Row[]): void {
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

function valueAt(config: Config, path: string): unknown {
  let node: unknown = config;
  for (const name of path.split('.')) node = (node as Record<string, unknown>)[name];
  return node;
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
