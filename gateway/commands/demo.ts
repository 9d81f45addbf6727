// fieldgate demo: a gateway on a temporary data directory with a simulated fleet, to look at. Ctrl-C leaves nothing behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, DEFAULTS } from '../config.ts';
import type { FetchLocal } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import type { IssuedEnrolment, IssuedKey } from '../protocol/rest.ts';
import { type Cli, type CommandSpec, wholeBetween } from './cli.ts';
import { PORT_OPTION, stopWithin, untilAskedToStop } from './start.ts';

const HOST = '127.0.0.1';
const FIRST_PORT = 8443;
const PORTS = 50;
const DEVICES = 24;
/** A demo has nothing to drain that anybody would miss. */
const STOP_MS = 8000;
const FLEET_STOP_MS = 3000;
const SIMULATOR = join(import.meta.dirname, '../../device-sim/main.ts');

export const DEMO: CommandSpec = {
  name: 'demo',
  says: 'a gateway with a simulated fleet, gone again after Ctrl-C',
  options: [PORT_OPTION, { flags: '--devices <n>', says: `how many simulated devices (${DEVICES})`, read: wholeBetween(1, 1000) }],
  isStandalone: true,
  run: async (cli, { options }) => {
    const { port, devices = DEVICES } = options as { port?: number; devices?: number };
    const folder = mkdtempSync(join(tmpdir(), 'fieldgate-demo-'));
    const simulator: { process?: ChildProcess } = {};
    // whatever ends this process, a second Ctrl-C too
    process.on('exit', () => {
      simulator.process?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    const endEarly = (): never => process.exit(EXIT.interrupted);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, endEarly);
    const config: Config = {
      ...DEFAULTS,
      data: join(folder, 'data'),
      http: { ...DEFAULTS.http, host: HOST, port: port ?? (await freePort()) },
      log: { ...DEFAULTS.log, level: 'error' },
    };
    const { runGateway } = await import('../run-gateway.ts');
    const gateway = await runGateway({ config, file: null, env: cli.env, say: cli.say });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, endEarly);
    const asked = untilAskedToStop(gateway);
    const url = `https://localhost:${new URL(gateway.url).port}`;
    const key = await issue<IssuedKey>(gateway.fetchLocal, '/v1/keys', { name: 'demo', role: 'admin' });
    const fleet = await startFleet(gateway.fetchLocal, { folder, url, devices, data: config.data });
    simulator.process = fleet;
    const fleetEnd = once(fleet, 'exit');
    welcome(cli, { url, key: key.key, data: config.data, devices });

    await asked;
    cli.say('\nstopping, and removing everything');
    fleet.kill('SIGTERM');
    const timer = setTimeout(() => fleet.kill('SIGKILL'), FLEET_STOP_MS);
    await fleetEnd;
    clearTimeout(timer);
    process.exit(await stopWithin(gateway, STOP_MS));
  },
};

async function issue<T>(fetchLocal: FetchLocal, path: string, body: object): Promise<T> {
  const response = await fetchLocal(
    new Request(`http://localhost${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  );
  if (!response.ok) throw new Failure(EXIT.failed, `POST ${path} was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

async function startFleet(
  fetchLocal: FetchLocal,
  ask: { folder: string; url: string; data: string; devices: number },
): Promise<ChildProcess> {
  const enrolment = await issue<IssuedEnrolment>(fetchLocal, '/v1/enrolments', { max: ask.devices, expiresSeconds: 3600 });
  const keyFile = join(ask.folder, 'enrolment-key');
  writeFileSync(keyFile, `${enrolment.key}\n`, { mode: 0o600 });
  const flags = ['--url', ask.url.replace('https', 'wss'), '--ca', join(ask.data, 'tls/ca.crt'), '--enrol-key-file', keyFile];
  const child = spawn(process.execPath, [SIMULATOR, 'run', ...flags, '--devices', String(ask.devices), '--rate', '1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-2000);
  });
  child.on('exit', () => {
    // a fleet that ends while the demo runs has a reason to tell
    if (!child.killed) process.stderr.write(`${lastWords}\nthe simulated fleet has ended\n`);
  });
  await once(child, 'spawn');
  return child;
}

async function freePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, HOST, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Failure(EXIT.portInUse, `no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1}: choose one with --port`);
}

function welcome(cli: Cli, { url, key, data, devices }: { url: string; key: string; data: string; devices: number }): void {
  const run = existsSync(join(process.cwd(), 'gateway/main.ts')) ? 'npm run -s fieldgate --' : 'fieldgate';
  const ca = join(data, 'tls/ca.crt');
  cli.out(`
Fieldgate is running, and ${devices} simulated devices send a reading a second each.

  ${url}/#key=${key}

Open that in a browser. It warns once, because the certificate's authority was made on this machine just now:
go on, or import ${ca} first.

To try next:
  1. A device of your own:
       TOKEN=$(${run} device add my-first --data ${data})
       curl --cacert ${ca} -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
            -d '[{"n":"temperature","u":"Cel","v":21.5}]' ${url}/v1/readings
  2. Suspend one, and see the page notice:
       ${run} device list --data ${data}
       ${run} device suspend ID --data ${data}
  3. The whole interface, to read and to click: ${url}/docs

Ctrl-C ends it and leaves nothing behind.
`);
}
