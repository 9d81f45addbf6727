// The gateways that are photographed: a full one with a simulated fleet, a port and things gone wrong, and one where nothing happened yet.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDemoFleet } from '../../gateway/commands/demo-fleet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { plugSerial } from '../support/pty.ts';
import { until } from '../support/until.ts';

export interface World extends AsyncDisposable {
  readonly full: TestGateway;
  readonly empty: TestGateway;
  /** A device of the fleet with several metrics. */
  readonly device: string;
  /** Stops the full gateway under its devices and pages. */
  stop(): Promise<void>;
}

const DEVICES = 24;
const SAY_EVERY_MS = 500;

export async function openWorld(say: (line: string) => void): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-shots-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const plug = stack.use(await plugSerial({ id: 'usb-Weather_station_A1-if00' }));
  const line = { baudRate: 115_200, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none', expectEverySeconds: null } as const;
  const csv = {
    framing: { kind: 'line' },
    rule: {
      kind: 'csv',
      columns: [
        { metric: 'temperature', unit: 'Cel' },
        { metric: 'humidity', unit: '%RH' },
      ],
    },
  } as const;
  const ports = [{ path: plug.path, device: 'greenhouse-east', ...line, ...csv }];
  const full = stack.use(await startTestGateway({ config: { serial: { ports } } }));
  const empty = stack.use(await startTestGateway());
  // the demo's fleet speaks to a gateway by the functions that its own command has
  const fetchLocal = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const body = request.method === 'GET' ? {} : { body: await request.text() };
    const answer = await full.local(url.pathname + url.search, {
      method: request.method,
      headers: { 'content-type': 'application/json' },
      ...body,
    });
    return new Response(answer.text, { status: answer.status });
  };
  const fleet = createDemoFleet({ fetchLocal, folder, url: full.url, ca: join(full.data, 'tls/ca.crt'), devices: DEVICES, say });
  stack.defer(() => fleet.stop());
  await fleet.start();

  let k = 0;
  const timer = setInterval(() => {
    k++;
    plug.say(k % 9 === 0 ? 'hello there\r\n' : `${(21 + Math.sin(k / 7)).toFixed(1)},${(48 + 3 * Math.cos(k / 11)).toFixed(0)}\r\n`);
  }, SAY_EVERY_MS);
  stack.defer(() => clearInterval(timer));

  await refuseSome(full);
  await full.addDevice('never-seen');
  await full.local('/v1/users', { method: 'POST', body: { name: 'maria', role: 'operator', password: 'a few words in a row' } });
  await full.local('/v1/users', { method: 'POST', body: { name: 'night-shift', role: 'viewer', password: 'a few words in a row' } });
  const listed = async (): Promise<{ id: string; label: string; online: boolean; latest: object }[]> =>
    (await full.local('/v1/devices?limit=100')).json().items;
  await until(
    async () => (await listed()).filter(({ online }) => online).length > DEVICES / 2,
    () => 'the fleet did not come online',
  );
  const rich = (await listed()).filter(({ online }) => online).sort((a, b) => Object.keys(b.latest).length - Object.keys(a.latest).length);
  const device = rich[0]?.id ?? '';
  await full.local('/v1/devices/sim-0003', { method: 'PATCH', body: { status: 'suspended' } });

  return {
    full,
    empty,
    device,
    async stop() {
      clearInterval(timer);
      // first: a fleet that is stopped is offline, not stale
      await full[Symbol.asyncDispose]();
      await fleet.stop();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Records that no gateway takes, so that the quarantine has something to show. */
async function refuseSome(gateway: TestGateway): Promise<void> {
  const token = await gateway.addDevice('kiln-1');
  const packs = [
    '[{"n":"temperature","u":"Cel","v":812.5},{"n":"temperature","u":"Cel","v":"hot"}]',
    '[{"n":"door open?","vb":true}]',
    '[{"n":"pressure","u":"bar","v":1.2},{"n":"pressure","u":"bar"}]',
    '[{"n":"temperature","u":"Cel","v":813.1}]',
  ];
  for (const body of packs) {
    await gateway.request('/v1/readings', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/senml+json' },
      body,
    });
  }
}
