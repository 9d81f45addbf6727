// The two servers of a comparison, each in a folder of its own: the gateway with its tokens made, and the floor.

import { writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { askSocket, socketPath } from '../../gateway/control-socket.ts';
import { selfSigned } from '../support/test-certificates.ts';
import { type Child, startChild } from './child.ts';

export interface Server {
  readonly child: Child;
  readonly folder: string;
  readonly port: number;
  readonly caFile: string;
  /** One token a line; '' where none is asked for. */
  readonly tokensFile: string;
  stop(): Promise<void>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** Benchmarks write where the product would: to a disk, not to a memory file system. */
export const BENCH_FOLDER = process.env.FIELDGATE_BENCH_DIR ?? tmpdir();

export async function startFloor(): Promise<Server> {
  const folder = await mkdtemp(path.join(BENCH_FOLDER, 'fieldgate-floor-'));
  const pair = await selfSigned();
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  writeFileSync(key, pair.key);
  writeFileSync(cert, pair.cert);
  const child = startChild(here('floor.ts'), [folder, key, cert]);
  const port = Number((await child.line()).split(' ')[1]);
  return { child, folder, port, caFile: cert, tokensFile: '', stop: () => end(child, folder) };
}

export interface GatewayOptions {
  readonly devices: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly nodeFlags?: readonly string[];
  /** Pin the process to this core. */
  readonly core?: number;
}

export async function startGatewayProcess({
  devices,
  env = {},
  nodeFlags = [],
}: GatewayOptions): Promise<Server & { readonly key: string; readonly readyMs: number }> {
  const folder = await mkdtemp(path.join(BENCH_FOLDER, 'fieldgate-bench-'));
  const startedMs = performance.now();
  const child = startChild(here('../../gateway/main.ts'), ['start', '--data', folder, '--port', '0', '--host', '127.0.0.1'], {
    env,
    nodeFlags,
  });
  const ready = await child.line();
  const readyMs = performance.now() - startedMs;
  const port = Number(new URL(ready.split(' ')[1]).port);
  const control = async (target: string, body: object): Promise<Record<string, string>> => {
    const answer = await askSocket(socketPath(folder), { method: 'POST', target, body: JSON.stringify(body) });
    if (answer === null || answer.status >= 300) throw new Error(`${target}: ${answer?.body}`);
    return JSON.parse(answer.body);
  };
  const tokens: string[] = [];
  for (let i = 0; i < devices; i += 50) {
    const ids = Array.from({ length: Math.min(50, devices - i) }, (_, k) => `bench-${i + k}`);
    tokens.push(...(await Promise.all(ids.map(async (id) => (await control('/v1/devices', { id })).token))));
  }
  const tokensFile = path.join(folder, 'tokens');
  writeFileSync(tokensFile, tokens.join('\n'), { mode: 0o600 });
  const { key } = await control('/v1/keys', { name: 'bench', role: 'viewer' });
  return { child, folder, port, caFile: path.join(folder, 'tls', 'ca.crt'), tokensFile, key, readyMs, stop: () => end(child, folder) };
}

/** A GET with the bench's key. */
export async function ask(server: Server & { readonly key: string }, target: string): Promise<unknown> {
  const ca = await readFile(server.caFile);
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      servername: 'localhost',
      port: server.port,
      path: target,
      ca,
      headers: { Authorization: `Bearer ${server.key}` },
    };
    request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(JSON.parse(text)));
    })
      .on('error', reject)
      .end();
  });
}

async function end(child: Child, folder: string): Promise<void> {
  await child.stop();
  await rm(folder, { recursive: true, force: true });
}
