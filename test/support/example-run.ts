// Runs an example of docs/examples/ the way its first lines say, breaks its connection, restarts its gateway, and looks into the store.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { type RelayedConnection, startFrameRelay } from './frame-relay.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';

export const EXAMPLES = path.join(import.meta.dirname, '../../docs/examples');
const PATIENCE_MS = 60_000;
/** TCP has to be gone this long after the first Close. */
const GONE_MS = 5_000;

/** What an example is started with. */
export interface ExampleFiles {
  readonly url: string;
  readonly token: string;
  readonly tokenFile: string;
  readonly caFile: string;
  /** For what it needs to make on its way. */
  readonly folder: string;
}
/** An example that runs; `lines` grows. */
export interface RunningExample {
  readonly lines: readonly string[];
  /** Resolves once it has ended; with what it said on stderr. */
  readonly over: Promise<{ readonly code: number | null; readonly said: string }>;
  stop(): void;
}

export function runProgram(command: string, args: readonly string[], env: Record<string, string> = {}): RunningExample {
  const child: ChildProcess = spawn(command, args, { env: { ...process.env, ...env }, cwd: EXAMPLES, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let [rest, said] = ['', ''];
  child.stdout!.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  child.stderr!.on('data', (data: Buffer) => (said += data.toString()));
  return {
    lines,
    over: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, said }));
    }),
    stop: () => child.kill('SIGKILL'),
  };
}

type Starter = (files: ExampleFiles) => RunningExample | Promise<RunningExample>;

/**
 * One life of a device: a bare pack, a hello, three frames; then the connection is cut, later the gateway restarts, and at the end the
 * example closes by itself. Every frame has to be stored once and in order, and each Close answered with its own code.
 */
export async function liveThrough(start: Starter): Promise<void> {
  const { connections } = await run(start, '~ws');
  const closed = connections.filter((one) => !one.wasCut && one.closes.length > 0);
  const codes = closed.map(({ closes }) => closes.map(({ by, code }) => `${by} ${code}`));
  expect(codes).toEqual([
    ['gateway 1012', 'client 1012'],
    ['client 1000', 'gateway 1000'],
  ]);
  for (const one of closed) expect(one.goneAtMs! - one.closes[0]!.atMs).toBeLessThan(GONE_MS);
}

/** The same for a device that posts. */
export async function postThrough(start: Starter): Promise<void> {
  const { connections } = await run(start, '~http');
  expect(connections.length).toBeGreaterThan(9);
}

async function run(start: Starter, packStream: string): Promise<{ readonly connections: readonly RelayedConnection[] }> {
  await using gateway = await startTestGateway();
  await using relay = await startFrameRelay(gateway);
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-example-'));
  let running: RunningExample | undefined;
  try {
    const token = await gateway.addDevice('pump-1');
    const [tokenFile, caFile] = [path.join(folder, 'token'), path.join(folder, 'ca.crt')];
    await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
    await writeFile(caFile, relay.caPem);
    const example = await start({ url: `wss://localhost:${relay.port}`, token, tokenFile, caFile, folder });
    running = example;
    await sayings(example, 'stored 1', (line) => line === 'stored 1');
    await sayings(example, 'ack 3', (line) => ackedIn(line) >= 3);
    relay.cut();
    await sayings(example, 'ack 6', (line) => ackedIn(line) >= 6);
    await gateway.restart();
    const { code, said } = await example.over;
    expect({ code, said, lines: example.lines }).toMatchObject({ code: 0 });
    await expect.poll(() => relay.connections.every((one) => one.goneAtMs !== null), { timeout: 2 * GONE_MS }).toBe(true);
    await checkStore(gateway, Math.max(...example.lines.map(ackedIn)), packStream);
    return { connections: relay.connections };
  } finally {
    running?.stop();
    await running?.over.catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

function ackedIn(line: string): number {
  return Number(/^(?:ack|welcome) (\d+)$/.exec(line)?.[1] ?? -1);
}

/** Waits until the example has said such a line. */
async function sayings(example: RunningExample, what: string, accept: (line: string) => boolean): Promise<void> {
  let end: Awaited<RunningExample['over']> | null = null;
  void example.over.then(
    (how) => (end = how),
    (error: Error) => (end = { code: null, said: error.message }),
  );
  const startedAtMs = performance.now();
  while (!example.lines.some(accept)) {
    const isLate = performance.now() - startedAtMs > PATIENCE_MS;
    if (end !== null || isLate)
      throw new Error(`${end ? 'it ended without' : 'waited for'} ${what}: ${JSON.stringify({ end, lines: example.lines })}`);
    await pause(20);
  }
}

/** Readings 1 … `count`, each once and in the order of their numbers, and nothing that the books cannot explain. */
async function checkStore(gateway: TestGateway, count: number, packStream: string): Promise<void> {
  expect(count).toBeGreaterThanOrEqual(9);
  const { readings } = (await gateway.admin('/v1/readings?device=pump-1&metric=count&from=0&to=now&limit=1000')).json();
  const values = (readings as [number, number][]).map(([, value]) => value);
  expect(values).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  const { items } = (await gateway.admin('/v1/accounting?device=pump-1')).json();
  const books = items.map(({ stream, settled, stored, gaps, unexplained }: Record<string, unknown>) =>
    stream === packStream ? { stream, stored } : { settled, stored, gaps, unexplained },
  );
  expect(books).toHaveLength(2);
  expect(books).toEqual(
    expect.arrayContaining([
      { stream: packStream, stored: 1 },
      { settled: count, stored: count, gaps: 0, unexplained: 0 },
    ]),
  );
}
