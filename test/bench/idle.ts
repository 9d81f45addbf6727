// Memory of an idle wss device: resident size with and without the connections, after a minute and two collections, beside bare ws in
// the same run.

import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, rounded, startChild } from './child.ts';
import { option } from './ingest.ts';
import { startFloor, startGatewayProcess } from './servers.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const COLLECTING = ['--expose-gc', '--import', here('collect-on-signal.ts')];
const IDLE_MS = 60_000;
const SETTLE_MS = 3_000;
/** What Fieldgate may add to a connection, in KiB. */
const AT_MOST_KIB = 6;

export async function idleBench(args: readonly string[]): Promise<boolean> {
  const devices = Number(option(args, '--devices') ?? 5000);
  const gateway = await startGatewayProcess({ devices, nodeFlags: COLLECTING });
  const withGateway = await perConnection(
    gateway.child,
    [String(gateway.port), gateway.caFile, gateway.tokensFile, String(devices)],
    devices,
  );
  const pems = await startFloor();
  const [key, cert] = [path.join(pems.folder, 'key.pem'), path.join(pems.folder, 'cert.pem')];
  const bare = startChild(here('bare-ws.ts'), [key, cert], { nodeFlags: COLLECTING });
  const port = (await bare.line()).split(' ')[1];
  const withBare = await perConnection(bare, [port, cert, '', String(devices)], devices);
  await Promise.all([gateway.stop(), bare.stop(), pems.stop()]);
  const added = withGateway.kib - withBare.kib;
  console.log(
    JSON.stringify({
      scenario: `${devices} idle wss devices`,
      gatewayKiB: rounded(withGateway.kib, 1),
      bareKiB: rounded(withBare.kib, 1),
      addedKiB: rounded(added, 1),
      atMostKiB: AT_MOST_KIB,
      gatewayRssMiB: rounded(withGateway.rssMiB, 0),
    }),
  );
  return added <= AT_MOST_KIB;
}

async function perConnection(server: Child, clientArgs: readonly string[], connections: number): Promise<{ kib: number; rssMiB: number }> {
  const before = await collected(server);
  const clients = startChild(here('idle-clients.ts'), clientArgs);
  await clients.line();
  await wait(IDLE_MS);
  const after = await collected(server);
  await clients.stop('SIGKILL');
  return { kib: (after - before) / connections / 1024, rssMiB: after / 2 ** 20 };
}

async function collected(server: Child): Promise<number> {
  process.kill(server.pid, 'SIGUSR2');
  await wait(SETTLE_MS);
  return server.rssBytes();
}
