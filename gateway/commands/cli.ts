// What a command is: a name, what it takes, and a function. program.ts makes a command line of them; here is what they share.

import { EXIT, Failure } from '../failure.ts';
import { type ConfigFlags, type LoadedConfig, loadConfig } from '../load-config.ts';
import { type Control, openControl } from './control.ts';

export interface Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Results, and secrets alone on their line: stdout. */
  out(text: string): void;
  /** Everything that explains: stderr. */
  say(text: string): void;
  readonly stdin: NodeJS.ReadStream;
}
export interface OptionSpec {
  /** `--label <text>`, or `--json` for a switch. */
  readonly flags: string;
  readonly says: string;
  readonly isRequired?: boolean;
  /** May be given several times; the command gets a list. */
  readonly isList?: boolean;
  readonly choices?: readonly string[];
  /** Makes the value of the text; throws what `usage` gives. */
  readonly read?: (text: string) => unknown;
}
export interface Given<Options> {
  readonly args: readonly string[];
  readonly options: Options & ConfigFlags;
}
export interface CommandSpec {
  readonly name: string;
  readonly says: string;
  /** All are required. */
  readonly args?: readonly string[];
  readonly options?: readonly OptionSpec[];
  /** Takes neither --data nor --config. */
  readonly isStandalone?: boolean;
  readonly run: (cli: Cli, given: Given<never>) => Promise<void>;
}
export interface GroupSpec {
  readonly name: string;
  readonly says: string;
  readonly commands: readonly CommandSpec[];
}

export type ControlledRun<Options> = (cli: Cli, control: Control, given: Given<Options>) => Promise<void>;

/** A command that only makes REST requests, whether a gateway runs or not. */
export function controlled<Options = object>(
  run: ControlledRun<Options>,
  need: { mayCreate?: boolean; running?: string } = {},
): (cli: Cli, given: Given<Options>) => Promise<void> {
  return async (cli, given) => {
    const loaded = configOf(cli, given.options);
    const control = await openControl({
      config: loaded.config,
      origin: loaded,
      env: cli.env,
      say: cli.say,
      mayCreate: need.mayCreate ?? false,
      running: need.running ?? null,
    });
    try {
      await run(cli, control, given);
    } catch (error) {
      const [subject] = given.args;
      throw error instanceof Failure && error.exit === EXIT.failed && subject !== undefined
        ? new Failure(error.exit, `${subject}: ${error.message}`)
        : error;
    } finally {
      await control.close();
    }
  };
}

/** The configuration, or a Failure with every problem on a line of its own. */
export function configOf(cli: Cli, flags: ConfigFlags): LoadedConfig {
  const loaded = loadConfig({ flags, env: cli.env, cwd: cli.cwd });
  if (loaded.problems.length > 0) throw configFailure(loaded.problems);
  return loaded;
}

export function configFailure(problems: readonly { readonly message: string; readonly exit: number }[]): Failure {
  const exit = problems.every((problem) => problem.exit === EXIT.permission) ? EXIT.permission : EXIT.configuration;
  return new Failure(exit, problems.map((problem) => problem.message).join('\n'));
}

export const JSON_OPTION: OptionSpec = { flags: '--json', says: 'as JSON, for programs' };
export const ROLE_OPTION: OptionSpec = {
  flags: '--role <role>',
  says: 'what it may do',
  choices: ['viewer', 'operator', 'admin'],
  isRequired: true,
};

export function usage(message: string): Failure {
  return new Failure(EXIT.usage, message);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** 90s, 30m, 1h, 7d → seconds. */
export function duration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (digits === '') throw usage('a duration is a number and s, m, h or d, such as 24h.');
  return Number(digits) * (UNIT_SECONDS[unit] ?? 0);
}

export function wholeBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw usage(`it must be a whole number from ${min} to ${max}.`);
    return value;
  };
}
