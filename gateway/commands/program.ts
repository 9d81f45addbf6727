// The command line as a whole: specs in, exit code out. Usage errors are 2 with the usage line; every command takes --data and --config.

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, exitCodeOf, Failure, sentenceOf } from '../failure.ts';
import { VERSION } from '../release.ts';
import type { Cli, CommandSpec, GroupSpec, OptionSpec } from './cli.ts';

const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: '--data <dir>', says: 'the data directory' },
  { flags: '--config <file>', says: 'the configuration file' },
];

export async function runProgram(cli: Cli, specs: readonly (CommandSpec | GroupSpec)[], argv: readonly string[]): Promise<number> {
  const leaked = secretInArguments(argv);
  if (leaked !== null) {
    cli.say(`fieldgate: ${leaked}`);
    return EXIT.usage;
  }
  const program = new Command('fieldgate')
    .description('A gateway for device telemetry: every reading is on disk before it is acknowledged.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this');
  const configure = (command: Command): Command =>
    command.exitOverride().configureOutput({ writeOut: (text) => cli.out(text.trimEnd()), writeErr: (text) => cli.say(text.trimEnd()) });
  configure(program);
  for (const spec of specs) {
    if ('commands' in spec) {
      const group = configure(program.command(spec.name).description(spec.says).helpOption('--help', 'print this').helpCommand(false));
      for (const leaf of spec.commands) configure(leafOf(cli, group.command(leaf.name), leaf));
    } else configure(leafOf(cli, program.command(spec.name), spec));
  }
  program.helpCommand(false);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      // the library has said what is wrong; for a bare group it has printed the help
      return EXIT.usage;
    }
    cli.say(
      sentenceOf(error)
        .split('\n')
        .map((line) => `fieldgate: ${line}`)
        .join('\n'),
    );
    if (
      !(error instanceof Failure) &&
      exitCodeOf(error) === EXIT.failed &&
      error instanceof Error &&
      cli.env.FIELDGATE_LOG__LEVEL === 'debug'
    )
      cli.say(error.stack ?? '');
    return exitCodeOf(error);
  }
}

function leafOf(cli: Cli, command: Command, spec: CommandSpec): Command {
  command.description(spec.says).helpOption('--help', 'print this').showHelpAfterError(false);
  for (const name of spec.args ?? []) command.addArgument(new Argument(`<${name}>`));
  const common = spec.isStandalone === true ? [] : COMMON_OPTIONS;
  for (const option of [...(spec.options ?? []), ...common]) addOption(command, option);
  command.allowExcessArguments(false);
  command.configureHelp({ showGlobalOptions: false });
  command.action(async () => {
    await spec.run(cli, { args: command.args, options: command.opts() as never });
  });
  return withUsageLine(command);
}

function addOption(command: Command, spec: OptionSpec): void {
  const option = new Option(spec.flags, spec.says);
  const { read, isList = false } = spec;
  if (spec.isRequired === true) option.makeOptionMandatory();
  let isGiven = false;
  if (!option.required) {
    command.addOption(option);
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${spec.flags}' is given twice.`);
      isGiven = true;
    });
    return;
  }
  if (spec.choices !== undefined) option.choices([...spec.choices]);
  const choose = option.parseArg;
  option.argParser<unknown>((text, before) => {
    if (isGiven && !isList) throw new InvalidArgumentError('It is given twice.');
    isGiven = true;
    const value = read === undefined ? (choose?.(text, undefined) ?? text) : readOrRefuse(read, text);
    return isList ? [...((before as unknown[] | undefined) ?? []), value] : value;
  });
  command.addOption(option);
}

function readOrRefuse(read: (text: string) => unknown, text: string): unknown {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof Failure) throw new InvalidArgumentError(error.message.replace(/^./, (first) => first.toUpperCase()));
    throw error;
  }
}

/** After an error: the one line that shows how it is meant. */
function withUsageLine(command: Command): Command {
  const path: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
  command.showHelpAfterError(`usage: ${path.join(' ')} ${command.usage()}`);
  return command;
}

/** What stands on a command line stands in the process list, and in the shell's history. */
function secretInArguments(argv: readonly string[]): string | null {
  const isRevoke = argv[0] === 'device' && argv[1] === 'revoke';
  for (const word of argv) {
    const name = /^--(token|password|key|secret)(=|$)/.exec(word)?.[1];
    if (name === 'password') return 'passwords are read from stdin, never from the command line (others see it in ps)';
    if (name !== undefined && !(isRevoke && name === 'token'))
      return 'tokens are read from file/stdin, never from the command line (others see it in ps)';
    if (/(^|=)fg[dke]_[A-Za-z0-9_-]{20,}$/.test(word))
      return isRevoke
        ? 'a token itself does not belong on the command line: --token takes its id, which "fieldgate device show ID" lists'
        : 'tokens are read from file/stdin, never from the command line (others see it in ps)';
  }
  return null;
}
