// fieldgate demo: a gateway on a temporary data directory with a simulated fleet, to look at. Ctrl-C leaves nothing behind.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Config, DEFAULTS } from '../config.ts';
import { EXIT, Failure } from '../failure.ts';
import type { IssuedKey } from '../protocol/rest.ts';
import type { RunningGateway } from '../run-gateway.ts';
import { type Cli, type CommandSpec, wholeBetween } from './cli.ts';
import { callLocal, createDemoFleet, type DemoFleet } from './demo-fleet.ts';
import { PORT_OPTION, stopWithin, untilAskedToStop } from './start.ts';

const HOST = '127.0.0.1';
const FIRST_PORT = 8443;
const PORTS = 50;
const DEVICES = 24;
/** A demo has nothing to drain that anybody would miss. */
const STOP_MS = 8000;
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const DEMO: CommandSpec = {
  name: 'demo',
  says: 'a gateway with a simulated fleet, gone again after Ctrl-C',
  options: [PORT_OPTION, { flags: '--devices <n>', says: `how many simulated devices (${DEVICES})`, read: wholeBetween(1, 1000) }],
  isStandalone: true,
  run: async (cli, { options }) => {
    const { port, devices = DEVICES } = options as { port?: number; devices?: number };
    const folder = mkdtempSync(join(tmpdir(), 'fieldgate-demo-'));
    const begun: { fleet?: DemoFleet } = {};
    // whatever ends this process, a second Ctrl-C too
    process.on('exit', () => {
      begun.fleet?.kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    });
    const endEarly = (): never => process.exit(EXIT.interrupted);
    for (const signal of ENDS) process.once(signal, endEarly);
    const config: Config = {
      ...DEFAULTS,
      data: join(folder, 'data'),
      http: { ...DEFAULTS.http, host: HOST, port: port ?? (await freePort()) },
      log: { ...DEFAULTS.log, level: 'error' },
    };
    const { runGateway } = await import('../run-gateway.ts');
    const gateway = await runGateway({ config, file: null, env: cli.env, say: cli.say });
    for (const signal of ENDS) process.off(signal, endEarly);
    // closing the terminal is an end, too: nobody could reach the demo afterwards
    const asked = Promise.race([untilAskedToStop(gateway), once(process, 'SIGHUP')]);
    try {
      begun.fleet = await openFleet(cli, { gateway, folder, devices, data: config.data, asked });
    } catch (error) {
      // the gateway alone is no demo
      await stopWithin(gateway, STOP_MS);
      throw error;
    }
    await asked;
    cli.say('\nstopping, and removing everything');
    await begun.fleet.stop();
    process.exit(await stopWithin(gateway, STOP_MS));
  },
};

interface FleetAsk {
  readonly gateway: RunningGateway;
  readonly folder: string;
  readonly data: string;
  readonly devices: number;
  readonly asked: Promise<unknown>;
}

/** Resolves when everything can be looked at and the person was told where. */
async function openFleet(cli: Cli, { gateway, folder, data, devices, asked }: FleetAsk): Promise<DemoFleet> {
  const { fetchLocal } = gateway;
  const url = `https://localhost:${new URL(gateway.url).port}`;
  const ca = join(data, 'tls/ca.crt');
  const { key } = await callLocal<IssuedKey>(fetchLocal, 'POST', '/v1/keys', { name: 'demo', role: 'admin' });
  const fleet = createDemoFleet({ fetchLocal, folder, url, ca, devices, say: cli.say });
  try {
    await Promise.race([fleet.start(), asked]);
    welcome(cli, { url, key, ca, data, devices });
  } catch (error) {
    fleet.kill();
    throw error;
  }
  return fleet;
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

interface Welcome {
  readonly url: string;
  readonly key: string;
  readonly ca: string;
  readonly data: string;
  readonly devices: number;
}

function welcome(cli: Cli, { url, key, ca, data, devices }: Welcome): void {
  const run = `${ownCommand(cli)} device`;
  const where = `--data ${quoted(data)}`;
  cli.out(`
Fieldgate is running. ${devices} simulated devices have told what they measured in the last six hours, and go on.

  ${url}/#key=${key}

Open that in a browser. It warns once, because the certificate's authority was made on this machine just now:
go on, or import ${ca} first.

To try next, in another terminal:
  1. A device of your own:
       TOKEN=$(${run} add my-first ${where})
       curl --cacert ${quoted(ca)} -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
            -d '[{"n":"temperature","u":"Cel","v":21.5}]' ${url}/v1/readings
  2. Suspend one, and see the page notice; then let it in again (a suspended device asks every ten minutes):
       ${run} suspend sim-0001 ${where}
       ${run} resume sim-0001 ${where}
  3. All of them, with their names:
       ${run} list ${where}
  4. The whole interface, to read and to click: ${url}/docs

Ctrl-C ends it and leaves nothing behind.
`);
}

/** As the person who started the demo has to type it, in the same folder. */
function ownCommand({ cwd }: Cli): string {
  const script = process.argv[1] ?? '';
  if (basename(script) === 'fieldgate') return 'fieldgate';
  return join(cwd, 'gateway/main.ts') === script ? 'npm run -s fieldgate --' : `${quoted(process.execPath)} ${quoted(script)}`;
}

/** For a shell, where it needs to be. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
