// The simulator's command line: what it understands, and that everything else ends with exit code 2 and a usage line.

import { expect, test } from 'vitest';
import { parseCommand, UsageError } from '../../device-sim/command-line.ts';
import { Failure } from '../../device-sim/failure.ts';
import { createSimFolder } from '../support/sim-process.ts';

const URL = ['--url', 'ws://127.0.0.1:1'];

function refusal(...args: string[]): Failure {
  try {
    parseCommand(args, () => {});
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`${args.join(' ')} was taken`);
}

test('run takes its flags and has defaults for the rest', () => {
  using folder = createSimFolder();
  const key = folder.file('enrol', 'abc\n');
  const parsed = parseCommand(
    ['run', ...URL, '--enrol-key-file', key, '--rate', '0.5', '--duration', '2m', '--history', '6h', '--metrics', 'door,state'],
    () => {},
  );
  expect(parsed).toMatchObject({
    name: 'run',
    options: {
      devices: 10,
      rateHz: 0.5,
      durationMs: 120_000,
      historyMs: 21_600_000,
      seed: '1',
      metrics: ['door', 'state'],
      enrolKey: 'abc',
      isJson: false,
    },
  });
});

test('run takes devices that are there already, an id and a token a line', () => {
  using folder = createSimFolder();
  const tokens = folder.file('tokens', 'pump-1 abc\npump-2 def\n');
  expect(parseCommand(['run', ...URL, '--tokens-file', tokens, '--until-stdin-ends'], () => {})).toMatchObject({
    options: {
      devices: 2,
      untilStdinEnds: true,
      members: [
        { id: 'pump-1', token: 'abc' },
        { id: 'pump-2', token: 'def' },
      ],
    },
  });
  expect(refusal('run', ...URL, '--tokens-file', tokens, '--devices', '3').message).toContain('says how many devices there are');
  expect(refusal('run', ...URL, '--tokens-file', tokens, '--enrol-key-file', tokens).message).toContain('is needed');
  expect(refusal('run', ...URL, '--tokens-file', folder.file('odd', 'pump-1 abc\nno token here\n')).message).toContain('line 2');
  expect(refusal('run', ...URL, '--tokens-file', folder.file('none', '\n')).message).toContain('holds no token');
});

test('replay takes its flags', () => {
  using folder = createSimFolder();
  const flags = [
    '--token-file',
    folder.file('token', 'abc'),
    '--file',
    folder.file('a.csv', ''),
    '--device',
    'pump-1',
    '--speed',
    '60',
    '--json',
  ];
  const parsed = parseCommand(['replay', ...URL, ...flags, '--no-compare'], () => {});
  expect(parsed).toMatchObject({ name: 'replay', options: { speed: 60, token: 'abc', isJson: true, isComparisonWaived: true } });
});

test('verify takes its flags, and run a file for its manifest', () => {
  using folder = createSimFolder();
  const key = folder.file('key', 'abc');
  const flags = ['--key-file', key, '--manifest', 'run.manifest', '--device', 'sim-0001', 'sim-0002', '--json'];
  expect(parseCommand(['verify', ...URL, ...flags], () => {})).toMatchObject({
    name: 'verify',
    options: { key: 'abc', manifest: 'run.manifest', devices: ['sim-0001', 'sim-0002'], isJson: true },
  });
  const all = parseCommand(['verify', ...URL, '--key-file', key, '--manifest', 'run.manifest'], () => {});
  expect(all).toMatchObject({ name: 'verify', options: { devices: [], isJson: false } });
  const run = parseCommand(['run', ...URL, '--token-file', key, '--manifest', 'run.manifest'], () => {});
  expect(run).toMatchObject({ name: 'run', options: { manifest: 'run.manifest' } });
});

test.each([
  [['run', ...URL, '--devices', '1e9'], 'whole number'],
  [['run', ...URL, '--devices', '0'], 'whole number'],
  [['run', ...URL, '--devices', '20001'], 'whole number'],
  [['run', ...URL, '--devices', '1.5'], 'whole number'],
  [['run', ...URL, '--rate', '-1'], 'number from 0'],
  [['run', ...URL, '--rate=-1'], 'number from 0'],
  [['run', ...URL, '--rate', 'NaN'], 'number from 0'],
  [['run', ...URL, '--duration', '60'], 'a time like'],
  [['run', ...URL, '--duration', '-5s'], 'a time like'],
  [['run', ...URL, '--history', '6'], 'a time like'],
  [['run', ...URL, '--history', '0h'], 'a time like'],
  [['run', ...URL, '--history', '-6h'], 'a time like'],
  [['run', ...URL, '--metrics', 'temperature,humidity'], 'The metrics are'],
  [['replay', ...URL, '--file', 'x', '--device', 'ä'], 'An id is'],
  [['replay', ...URL, '--file', 'x', '--device', 'a', '--speed', '0'], 'It is max'],
])('L6 %j ends with exit code 2', (args, sentence) => {
  const error = refusal(...args);
  expect(error.exitCode).toBe(2);
  expect(error.message).toContain(sentence);
  expect((error as UsageError).usage).toContain('device-sim/main.ts');
});

test.each([['--token', 'xyz'], ['--token=xyz'], ['--key', 'xyz'], ['--enrol-key=xyz'], ['--password', 'x']])(
  'L2 a secret on the command line (%s) ends with exit code 2 and is not repeated',
  (...args) => {
    const error = refusal('run', ...URL, ...args);
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('tokens are read from file/stdin');
    expect(error.message).not.toContain('xyz');
  },
);

test.each([
  [[]],
  [['fly']],
  [['run', '--bogus']],
  [['run', '--url']],
  [['run', ...URL, ...URL]],
  [['run', ...URL, '--json', '--json']],
  [['run', ...URL]],
  [['run', ...URL, 'extra']],
  [['run', ...URL, '--manifest', 'x']],
  [['run', ...URL, '--manifest']],
  [['verify', ...URL]],
  [['verify', ...URL, '--manifest', 'x']],
  [['verify', ...URL, '--key-file', '/dev/null']],
  [['verify', ...URL, '--manifest', 'x', '--key-file', 'y', '--duration', '5s']],
  [['run', '--url', 'https://localhost:1', '--token-file', '/dev/null']],
  [['run', '--url', 'ws://u:p@localhost:1', '--token-file', '/dev/null']],
  [['replay', ...URL, '--device', 'a']],
])('L1 %j ends with exit code 2 and a usage line', (args) => {
  const error = refusal(...args);
  expect(error).toBeInstanceOf(UsageError);
  expect(error.exitCode).toBe(2);
});

test('a token file that others may read gives a warning and is used', () => {
  using folder = createSimFolder();
  const warnings: string[] = [];
  const parsed = parseCommand(['run', ...URL, '--token-file', folder.file('token', 'abc', 0o644)], (text) => warnings.push(text));
  expect(parsed).toMatchObject({ name: 'run', options: { devices: 1, token: 'abc' } });
  expect(warnings.join()).toContain('chmod 600');
});

test('--insecure warns loudly', () => {
  using folder = createSimFolder();
  const warnings: string[] = [];
  parseCommand(['run', '--url', 'wss://localhost:1', '--insecure', '--token-file', folder.file('token', 'abc')], (text) =>
    warnings.push(text),
  );
  expect(warnings.join()).toContain('NOT CHECKED');
  warnings.length = 0;
  const verify = ['verify', '--url', 'wss://localhost:1', '--insecure', '--manifest', 'x', '--key-file', folder.file('key', 'abc')];
  parseCommand(verify, (text) => warnings.push(text));
  expect(warnings.join()).toContain('NOT CHECKED');
});

test('files that are not there, empty or no certificate are named', () => {
  using folder = createSimFolder();
  const token = folder.file('token', 'abc');
  expect(refusal('run', ...URL, '--token-file', '/nowhere/token')).toMatchObject({
    exitCode: 74,
    message: 'there is no file /nowhere/token',
  });
  expect(refusal('run', ...URL, '--token-file', folder.file('empty', '\n')).message).toContain('holds no token');
  expect(refusal('run', ...URL, '--token-file', folder.file('two', 'a b')).message).toContain('more than one token');
  expect(refusal('run', '--url', 'wss://h:1', '--ca', token, '--token-file', token).message).toContain('holds no certificate');
  expect(refusal('replay', ...URL, '--device', 'a', '--token-file', token, '--file', '/nowhere.csv').exitCode).toBe(74);
});

test('help is no mistake', () => {
  expect(parseCommand(['--help'], () => {})).toMatchObject({ name: 'help' });
  expect(parseCommand(['run', '--help'], () => {})).toMatchObject({ name: 'help' });
});
