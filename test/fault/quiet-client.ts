// A client written in Go, with a read deadline that only pings move, against the gateway's liveness.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { runProgram } from '../support/example-run.ts';
import { startTestGateway } from '../support/gateway.ts';

export interface QuietOptions {
  readonly pingSeconds: number;
  /** The client hangs up when no ping has come for so long. */
  readonly deadlineSeconds: number;
  readonly seconds: number;
}

const SOURCE = path.join(import.meta.dirname, '../support/quiet-client.go');

/** How many pings it got, and what went wrong. */
export async function runQuietClient({
  pingSeconds,
  deadlineSeconds,
  seconds,
}: QuietOptions): Promise<{ pings: number; faults: string[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-quiet-'));
  await using gateway = await startTestGateway({ config: { liveness: { pingSeconds, pongSeconds: 10 } } });
  try {
    const [program, tokenFile, caFile] = ['client', 'token', 'ca.crt'].map((name) => path.join(folder, name)) as [string, string, string];
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode' };
    await promisify(execFile)('go', ['build', '-o', program, SOURCE], { env });
    await writeFile(tokenFile, await gateway.addDevice('quiet-1'), { mode: 0o600 });
    await writeFile(caFile, gateway.caPem);
    const client = runProgram(program, [`wss://localhost:${gateway.port}`, tokenFile, caFile, String(deadlineSeconds), String(seconds)]);
    const { code, said } = await client.over;
    const pings = client.lines.filter((line) => line === 'ping').length;
    const faults = code === 0 && client.lines.at(-1) === 'stayed' ? [] : [[...client.lines, said].join('\n')];
    // each at most 10 % and the half second of a sweep late, and one that is still to come
    if (pings < Math.floor(seconds / (pingSeconds * 1.1 + 0.5)) - 1) faults.push(`${pings} pings in ${seconds} s`);
    return { pings, faults };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
