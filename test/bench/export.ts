// Exports by the command to a pipe, with a gateway and without; and recorded CSV files in, out, into another gateway, and out again.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startChildGateway } from '../support/child-gateway.ts';
import { MAIN, runCli } from '../support/cli-process.ts';
import { rounded } from './child.ts';

const ROWS = 2_000_000;
const READINGS_PER_SECOND = 1_000_000;

const say = (line: object): void => console.log(JSON.stringify(line));

export async function exportBench(args: readonly string[]): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-export-'));
  try {
    return args.length > 0 ? await roundTrips(folder, args) : await speeds(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function must(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function roundTrips(folder: string, files: readonly string[]): Promise<boolean> {
  let isGood = true;
  for (const [i, file] of files.entries()) {
    const outs: string[] = [];
    let counts = {};
    let from = file;
    for (const turn of [1, 2]) {
      const data = path.join(folder, `${i}-${turn}`);
      const out = path.join(folder, `${i}-${turn}.csv`);
      await must(['device', 'add', 'recorded', '--data', data]);
      const news = await must(['import', from, '--device', 'recorded', '--metric', 'value', '--data', data, '--json']);
      if (turn === 1) counts = JSON.parse(news) as object;
      await must(['export', '--device', 'recorded', '--data', data, '-o', out]);
      outs.push(await readFile(out, 'utf8'));
      from = out;
    }
    const isSame = outs[0] === outs[1];
    isGood &&= isSame;
    say({ scenario: 'round trip', file: path.basename(file), rows: (outs[0] as string).split('\n').length - 2, ...counts, isSame });
  }
  return isGood;
}

async function speeds(folder: string): Promise<boolean> {
  const data = path.join(folder, 'data');
  const file = path.join(folder, 'in.csv');
  let text = 'time_ms,metric,unit,value\n';
  let x = 20;
  for (let i = 0; i < ROWS; i++)
    text += `${1_700_000_000_000 + i * 1000},temperature,Cel,${Math.round((x += Math.sin(i) / 10) * 100) / 100}\n`;
  await writeFile(file, text);
  await must(['device', 'add', 'pump-1', '--data', data]);
  const startedMs = performance.now();
  await must(['import', file, '--device', 'pump-1', '--data', data]);
  say({ scenario: 'import without a gateway', readings: ROWS, readingsPerSecond: rate(startedMs) });
  await must(['compact', '--data', data]);
  let isGood = await speedOf('export without a gateway', data);
  await using _gateway = await startChildGateway([], {}, [], data);
  isGood = (await speedOf('export through a gateway', data)) && isGood;
  return isGood;
}

async function speedOf(scenario: string, data: string): Promise<boolean> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [MAIN, 'export', '--device', 'pump-1', '--data', data], { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  let firstMs = 0;
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    firstMs ||= performance.now();
    bytes += piece.length;
  }
  const readingsPerSecond = rate(firstMs);
  const isGood = readingsPerSecond >= READINGS_PER_SECOND;
  say({
    scenario,
    readings: ROWS,
    megabytes: rounded(bytes / 1e6, 1),
    startMs: Math.round(firstMs - startedMs),
    readingsPerSecond,
    atLeast: READINGS_PER_SECOND,
    isGood,
  });
  return isGood;
}

function rate(sinceMs: number): number {
  return Math.round(ROWS / ((performance.now() - sinceMs) / 1000));
}
