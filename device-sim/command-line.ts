// What may stand on the simulator's command line. Everything wrong with it ends with exit code 2 and a usage line.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DEVICE_ID } from '../gateway/protocol/messages.ts';
import { EXIT, Failure } from './failure.ts';
import { isNmeaLog } from './replay-nmea.ts';
import { checkFile } from './replay-source.ts';
import type { ReplayOptions } from './replay.ts';
import type { RunOptions } from './run.ts';
import { readSecretFile, readTokensFile } from './secret-file.ts';
import type { SerialOptions } from './serial.ts';
import type { ModbusOptions } from './serial-modbus.ts';
import { SLAVE_FAULTS, type SlaveFault, type SlavePlan } from './serial-modbus-slaves.ts';
import { SPEECHES, type SpeechName } from './serial-speech.ts';
import { openTarget } from '../gateway/client/target.ts';
import type { VerifyOptions } from './verify.ts';
import { METRICS, type MetricName } from './waveforms.ts';

export type ParsedCommand =
  | { readonly name: 'run'; readonly options: RunOptions }
  | { readonly name: 'replay'; readonly options: ReplayOptions }
  | { readonly name: 'verify'; readonly options: VerifyOptions }
  | { readonly name: 'serial'; readonly options: SerialOptions }
  | { readonly name: 'modbus'; readonly options: ModbusOptions }
  | { readonly name: 'help'; readonly text: string };

export class UsageError extends Failure {
  readonly usage: string;

  constructor(message: string, usage: string) {
    super(message, EXIT.usage);
    this.usage = usage;
  }
}

const MAX_DEVICES = 20_000;
const MAX_RATE_HZ = 1_000;
const MAX_DURATION_MS = 30 * 86_400_000;

/** It is asked, and says nothing by itself. */
const MODBUS = 'modbus';

const USAGE = {
  '': 'node device-sim/main.ts run|verify|replay --url wss://HOST:PORT … | serial --link PATH …',
  run: 'node device-sim/main.ts run --url wss://HOST:PORT --enrol-key-file FILE [--key-file FILE] [--devices N] [--rate HZ] [--duration 60s] [--history 6h] [--manifest FILE]',
  verify: 'node device-sim/main.ts verify --url wss://HOST:PORT --key-file FILE --manifest FILE [--device ID…]',
  replay:
    'node device-sim/main.ts replay --url wss://HOST:PORT --file FILE --device ID --token-file FILE [--key-file FILE] [--speed max|N]',
  serial: `node device-sim/main.ts serial --link PATH (--speak ${SPEECHES.join('|')} [--rate HZ] | --speak ${MODBUS} [--slaves 1,2:timeout=0.1] | --file LOG [--speed max|N]) [--duration 60s] [--seed S] [--noise P] [--truncate P] [--wrong-baud] [--unplug 30s,5s]`,
} as const;

type TargetFlags = {
  readonly url: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly json?: boolean;
};
type CommonFlags = TargetFlags & {
  readonly tokenFile?: string;
  readonly enrolKeyFile?: string;
  readonly keyFile?: string;
  readonly compare: boolean;
};
type VerifyFlags = TargetFlags & {
  readonly keyFile: string;
  readonly manifest: string;
  readonly device?: readonly string[];
};
type RunFlags = CommonFlags & {
  readonly tokensFile?: string;
  readonly untilStdinEnds?: boolean;
  readonly devices?: number;
  readonly rate?: number;
  readonly duration?: number;
  readonly history?: number;
  readonly seed?: string;
  readonly metrics?: readonly MetricName[];
  readonly manifest?: string;
};
type ReplayFlags = CommonFlags & {
  readonly file: string;
  readonly device: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly speed?: number;
};

type SerialFlags = {
  readonly link: string;
  readonly speak?: SpeechName | typeof MODBUS;
  readonly slaves?: readonly SlavePlan[];
  readonly rate?: number;
  readonly file?: string;
  readonly speed?: number;
  readonly duration?: number;
  readonly seed?: string;
  readonly noise?: number;
  readonly truncate?: number;
  readonly wrongBaud?: boolean;
  readonly unplug?: { readonly everyMs: number; readonly forMs: number };
};

/** Reads the files that the flags name, too. Throws `UsageError` or `Failure`. */
export function parseCommand(args: readonly string[], warn: (text: string) => void): ParsedCommand {
  let parsed: ParsedCommand | null = null;
  let help = '';
  const program = new Command('device-sim').description('simulates devices against a Fieldgate gateway').exitOverride();
  program.configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });

  const run = commonFlags(program.command('run').description('a fleet that measures, and then compares the books'))
    .option('--tokens-file <file>', 'devices that are there already: «ID TOKEN» a line')
    .option('--until-stdin-ends', 'ends, too, when standard input does: with the program that started it')
    .option('--devices <n>', `how many; 10 when not said, 1 with --token-file`, wholeNumber(1, MAX_DEVICES))
    .option('--rate <hz>', 'readings a second of each device; 1 when not said', rate)
    .option('--duration <time>', 'for instance 500ms, 60s, 5m, 2h; until Ctrl-C when not said', duration)
    .option('--history <time>', 'first sends what it would have measured in that time, a reading a metric each minute', duration)
    .option('--seed <text>', 'the same seed gives the same measurements; 1 when not said')
    .option('--metrics <names>', `some of ${METRICS.join(',')}; all when not said`, metricNames)
    .option('--manifest <file>', 'writes down what is sent and answered, for verify; a file that exists is continued');
  run.action((flags: RunFlags) => {
    const members = flags.tokensFile === undefined ? undefined : readTokensFile(flags.tokensFile, warn);
    const usual = members?.length ?? (flags.tokenFile === undefined ? 10 : 1);
    const { devices = usual, rate: rateHz = 1, seed = '1', metrics = METRICS, untilStdinEnds = false } = flags;
    if (members !== undefined && flags.devices !== undefined)
      throw new UsageError('--tokens-file says how many devices there are; leave --devices out', USAGE.run);
    if (flags.tokenFile !== undefined && devices !== 1)
      throw new UsageError('--token-file is one device; a fleet needs --enrol-key-file', USAGE.run);
    const durationMs = flags.duration ?? Number.POSITIVE_INFINITY;
    const historyMs = flags.history ?? 0;
    const { manifest } = flags;
    parsed = {
      name: 'run',
      options: {
        ...common(flags, USAGE.run, warn),
        members,
        untilStdinEnds,
        devices,
        rateHz,
        durationMs,
        historyMs,
        seed,
        metrics,
        manifest,
      },
    };
  });

  const verify = targetFlags(program.command('verify').description('a manifest against what the gateway stored, reading by reading'))
    .requiredOption('--key-file <file>', 'an API key of role operator: quarantine is read, too')
    .requiredOption('--manifest <file>', 'what run wrote')
    .option('--device <ids...>', 'these alone; all of the manifest when not said');
  verify.action((flags: VerifyFlags) => {
    const { url, ca, insecure, json: isJson = false, manifest, device: devices = [] } = flags;
    const target = openTarget({ url, ca, insecure });
    if (insecure) warn('--insecure: the gateway is NOT CHECKED; whoever answers gets the key. Use --ca FILE instead.');
    parsed = { name: 'verify', options: { target, isJson, manifest, devices, key: readSecretFile(flags.keyFile, warn) } };
  });

  const replay = commonFlags(
    program.command('replay').description('sends a CSV file, an NMEA log or a capture with its own times, as one device'),
  )
    .requiredOption(
      '--file <file>',
      'CSV with a header, times without a zone are UTC; an NMEA 0183 log, *.nmea or *.log; a serial capture, *.capture',
    )
    .requiredOption('--device <id>', 'the device that it is', deviceId)
    .option('--metric <name>', "for rows that name none; the file's name when not said")
    .option('--unit <code>', 'for rows that name none, as a SenML code: Cel, %RH, V')
    .option('--speed <max|n>', 'times faster than it was measured; max (as acks allow) when not said', speed);
  replay.action((flags: ReplayFlags) => {
    const { file, device, metric, unit, speed: times = Number.POSITIVE_INFINITY } = flags;
    checkFile(file);
    if (isNmeaLog(file) && (metric !== undefined || unit !== undefined))
      throw new UsageError('--metric and --unit go with CSV; sentences say what they measure', USAGE.replay);
    parsed = { name: 'replay', options: { ...common(flags, USAGE.replay, warn), source: { file, device, metric, unit }, speed: times } };
  });

  const serial = program.command('serial').description('a sensor on a pseudo-terminal, for a serial port to listen to (needs socat)');
  serial
    .requiredOption('--link <path>', 'becomes a link to the pseudo-terminal; this is the path to configure as the port')
    .addOption(new Option('--speak <what>', 'what it makes up').choices([...SPEECHES, MODBUS]))
    .option('--rate <hz>', 'frames a second that it makes up; 10 when not said', rate)
    .option(
      '--slaves <list>',
      'of a Modbus bus, each with a fault and its share of the answers: 1,2:timeout,3:bad-crc=0.1; 1,2,3 when not said',
      slaves,
    )
    .option('--file <log>', 'an NMEA 0183 log to say instead, byte for byte')
    .option('--speed <max|n>', 'times faster than the times in the log; max is as fast as it is read; 1 when not said', speed)
    .option('--duration <time>', 'for instance 500ms, 60s, 5m, 2h; until Ctrl-C, or the end of the log, when not said', duration)
    .option('--seed <text>', 'the same seed makes up the same, and damages the same frames; 1 when not said')
    .option('--noise <p>', 'the share of frames with a spoiled byte, 0 to 1', share)
    .option('--truncate <p>', 'the share of frames that break off, 0 to 1', share)
    .option('--wrong-baud', 'arrives as at another baud rate: nothing but noise')
    .option('--unplug <every,for>', 'hangs up in the middle of a frame, and is away for a time: 30s,5s', unplugging);
  serial.action((flags: SerialFlags) => {
    const { link, speak, file, seed = '1', noise = 0, truncate = 0, wrongBaud: isWrongBaud = false, unplug } = flags;
    if ((speak === undefined) === (file === undefined)) throw new UsageError('one of --speak and --file is needed', USAGE.serial);
    if (file !== undefined && flags.rate !== undefined) throw new UsageError('--rate goes with --speak, --speed with --file', USAGE.serial);
    if (speak !== undefined && flags.speed !== undefined)
      throw new UsageError('--rate goes with --speak, --speed with --file', USAGE.serial);
    if (file !== undefined) checkFile(file);
    if (flags.slaves !== undefined && speak !== MODBUS) throw new UsageError(`--slaves goes with --speak ${MODBUS}`, USAGE.serial);
    if (speak === MODBUS) {
      if (flags.rate !== undefined || isWrongBaud)
        throw new UsageError(
          `--rate and --wrong-baud do not go with --speak ${MODBUS}: its master sets the pace and the speed`,
          USAGE.serial,
        );
      const { slaves: plans = slaves('1,2,3'), duration: lastsMs = Number.POSITIVE_INFINITY } = flags;
      parsed = { name: 'modbus', options: { link, slaves: plans, seed, durationMs: lastsMs, noise, truncate, unplug } };
      return;
    }
    const source = file === undefined ? { speak: speak!, rateHz: flags.rate ?? 10 } : { file, speed: flags.speed ?? 1 };
    const durationMs = flags.duration ?? Number.POSITIVE_INFINITY;
    parsed = { name: 'serial', options: { link, source, seed, durationMs, noise, truncate, isWrongBaud, unplug } };
  });

  const name = args[0] === 'run' || args[0] === 'replay' || args[0] === 'verify' || args[0] === 'serial' ? args[0] : '';
  const secret = args.find((arg) => /^--(token|key|enrol-key|password|secret)(=|$)/.test(arg));
  if (secret !== undefined) {
    throw new UsageError(
      `${secret.split('=')[0]} is not a flag: tokens are read from file/stdin (--token-file, --enrol-key-file, --key-file; - is stdin)`,
      USAGE[name],
    );
  }
  refuseTwice(args, USAGE[name]);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof Failure && error.exitCode === EXIT.usage && !(error instanceof UsageError)) {
      throw new UsageError(error.message, USAGE[name]);
    }
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { name: 'help', text: help };
    throw new UsageError(error.code === 'commander.help' ? 'a command is needed' : error.message, USAGE[name]);
  }
  return parsed ?? { name: 'help', text: program.helpInformation() };
}

function targetFlags(command: Command): Command {
  return command
    .requiredOption('--url <url>', 'the gateway: wss://HOST:PORT')
    .option('--ca <file>', "the gateway's CA certificate (GET /ca.crt)")
    .option('--insecure', 'does NOT check whom it talks to')
    .option('--json', 'one line of JSON at the end, on stdout');
}

function commonFlags(command: Command): Command {
  return targetFlags(command)
    .option('--token-file <file>', 'the token of one device')
    .option('--enrol-key-file <file>', 'an enrolment key, with which every device gets its own token')
    .option('--key-file <file>', "an API key of role viewer, to compare with the gateway's books at the end")
    .option('--no-compare', 'does without the comparison');
}

function common(flags: CommonFlags & { readonly tokensFile?: string }, usage: string, warn: (text: string) => void) {
  const { url, ca, insecure, json: isJson = false, tokenFile, tokensFile, enrolKeyFile, keyFile } = flags;
  const isComparisonWaived = !flags.compare;
  if ([tokenFile, tokensFile, enrolKeyFile].filter((file) => file !== undefined).length !== 1) {
    throw new UsageError('one of --token-file and --enrol-key-file is needed', usage);
  }
  if (isComparisonWaived && keyFile !== undefined) throw new UsageError('--no-compare and --key-file exclude each other', usage);
  if ([tokenFile, enrolKeyFile, keyFile].filter((file) => file === '-').length > 1) {
    throw new UsageError('standard input can hold one secret only', usage);
  }
  const read = (path: string | undefined) => (path === undefined ? undefined : readSecretFile(path, warn));
  const target = openTarget({ url, ca, insecure });
  if (insecure) warn('--insecure: the gateway is NOT CHECKED; whoever answers gets the tokens and the readings. Use --ca FILE instead.');
  return { target, isJson, isComparisonWaived, token: read(tokenFile), enrolKey: read(enrolKeyFile), key: read(keyFile) };
}

/** The library takes the last of two; here that is a mistake, and nobody should have to guess which one held. */
function refuseTwice(args: readonly string[], usage: string): void {
  const seen = new Set<string>();
  for (const arg of args) {
    if (!arg.startsWith('--')) continue;
    const flag = arg.split('=')[0]!;
    if (seen.has(flag)) throw new UsageError(`${flag} is given twice`, usage);
    seen.add(flag);
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    return value;
  };
}

function rate(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > MAX_RATE_HZ) throw new InvalidArgumentError(`It is a number from 0 to ${MAX_RATE_HZ}.`);
  return value;
}

function duration(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = found ? Number(found[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[found[2] as 'ms' | 's' | 'm' | 'h'] : 0;
  if (!(ms > 0) || ms > MAX_DURATION_MS) throw new InvalidArgumentError('It is a time like 500ms, 60s, 5m or 2h, at most 720h.');
  return ms;
}

function share(text: string): number {
  const value = Number(text);
  if (!/^\d(\.\d+)?$/.test(text) || value > 1) throw new InvalidArgumentError('It is a number from 0 to 1.');
  return value;
}

function unplugging(text: string): { everyMs: number; forMs: number } {
  const [every, away, ...rest] = text.split(',');
  if (every === undefined || away === undefined || rest.length > 0) throw new InvalidArgumentError('It is two times like 30s,5s.');
  return { everyMs: duration(every), forMs: duration(away) };
}

/** `1,2:timeout,3:bad-crc=0.1` */
function slaves(text: string): SlavePlan[] {
  const plans = text.split(',').map((part): SlavePlan => {
    const found = /^(\d{1,3})(?::([a-z-]+)(?:=([\d.]+))?)?$/.exec(part);
    const slave = Number(found?.[1]);
    const kind = found?.[2];
    if (found === null || slave < 1 || slave > 247 || (kind !== undefined && !(SLAVE_FAULTS as readonly string[]).includes(kind)))
      throw new InvalidArgumentError(
        `It is a list such as 1,2:timeout,3:bad-crc=0.1; slaves are 1 to 247, faults ${SLAVE_FAULTS.join(', ')}.`,
      );
    return { slave, fault: kind === undefined ? null : { kind: kind as SlaveFault, share: share(found[3] ?? '1') } };
  });
  if (new Set(plans.map(({ slave }) => slave)).size < plans.length) throw new InvalidArgumentError('Each slave is there once.');
  return plans;
}

function metricNames(text: string): MetricName[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!(METRICS as readonly string[]).includes(name)) throw new InvalidArgumentError(`The metrics are ${METRICS.join(', ')}.`);
  }
  return [...new Set(names)] as MetricName[];
}

function deviceId(text: string): string {
  if (!DEVICE_ID.test(text)) throw new InvalidArgumentError('An id is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit.');
  return text;
}

function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !(value > 0)) throw new InvalidArgumentError('It is max, or a number above 0.');
  return value;
}
