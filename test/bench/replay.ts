// A recorded CSV through the simulator into a gateway, and back over REST: every time and value must equal the file, bit for bit, in the
// order of time and then of the file. `--file F` is a CSV with `timestamp,value` (times in UTC).

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { option } from './ingest.ts';
import { ask, startGatewayProcess } from './servers.ts';

const SIM = fileURLToPath(new URL('../../device-sim/main.ts', import.meta.url));
const DEVICE = 'recorded';

type Row = readonly [timeMs: number, value: number];

export async function replayBench(args: readonly string[]): Promise<boolean> {
  const file = option(args, '--file');
  if (file === undefined) throw new Error('--file CSV is needed: timestamp,value');
  const gateway = await startGatewayProcess({ devices: 0 });
  try {
    const answer = await askSocket(socketPath(gateway.folder), {
      method: 'POST',
      target: '/v1/devices',
      body: JSON.stringify({ id: DEVICE }),
    });
    const [tokenFile, keyFile] = [path.join(gateway.folder, 'token'), path.join(gateway.folder, 'key')];
    writeFileSync(tokenFile, JSON.parse(answer?.body ?? '').token, { mode: 0o600 });
    writeFileSync(keyFile, gateway.key, { mode: 0o600 });
    const startedMs = performance.now();
    const url = `wss://localhost:${gateway.port}`;
    const sim = [SIM, 'replay', '--url', url, '--ca', gateway.caFile, '--token-file', tokenFile, '--key-file', keyFile, '--file', file];
    const child = spawn(process.execPath, [...sim, '--device', DEVICE, '--metric', 'value'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const exit = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    const seconds = (performance.now() - startedMs) / 1000;

    const expected = rowsOf(readFileSync(file, 'utf8'));
    const stored = await storedRows(gateway);
    const different = expected.filter(([timeMs, value], i) => stored[i]?.[0] !== timeMs || !Object.is(stored[i]?.[1], value)).length;
    const line = {
      scenario: `replay of ${path.basename(file)}`,
      exit,
      rows: expected.length,
      stored: stored.length,
      different,
      seconds: Number(seconds.toFixed(1)),
    };
    console.log(JSON.stringify(line));
    return exit === 0 && stored.length === expected.length && different === 0;
  } finally {
    await gateway.stop();
  }
}

/** The file's rows by time; equal times stay in the order of the file. */
function rowsOf(csv: string): Row[] {
  const rows = csv.trim().split(/\r?\n/).slice(1);
  return rows
    .map((line): Row => {
      const [time, value] = line.split(',');
      return [Date.parse(`${time.replace(' ', 'T')}Z`), Number(value)];
    })
    .sort((a, b) => a[0] - b[0]);
}

async function storedRows(gateway: Parameters<typeof ask>[0]): Promise<Row[]> {
  const rows: Row[] = [];
  let next: string | null = null;
  do {
    const more: string = next === null ? '' : `&next=${encodeURIComponent(next)}`;
    const page = (await ask(gateway, `/v1/readings?device=${DEVICE}&metric=value&from=0&to=now&limit=10000${more}`)) as {
      readings: Row[];
      next: string | null;
    };
    rows.push(...page.readings);
    next = page.next;
  } while (next !== null);
  return rows;
}
