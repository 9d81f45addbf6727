// SIGSTOP, of either side. A gateway that stood still cuts nobody for it and loses nothing that came meanwhile; devices that stand still
// are noticed by their pings, and lose nothing either.

import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { startChildGateway } from '../support/child-gateway.ts';
import { offlineEvents, timeUntilNoticed } from '../support/offline-events.ts';
import { startSimFleet } from '../support/sim-fleet.ts';
import type { SimEnd } from '../support/sim-process.ts';
import { connectSocket, type TestSocket } from '../support/socket.ts';
import { until } from '../support/until.ts';

export interface FrozenGatewayRun {
  readonly connections: number;
  readonly stopSeconds: number;
  /** It computes for so long instead of being stopped. */
  readonly isBusy?: boolean;
  readonly canary?: CanaryName;
}
export interface FrozenGatewayResult {
  /** Connections that were cut, and offline events. */
  readonly lost: number;
  readonly offline: number;
  /** Packs that were sent while it stood still, and answered afterwards. */
  readonly answered: number;
}

const PING_SECONDS = 2;
const LIVENESS = { FIELDGATE_LIVENESS__PING_SECONDS: String(PING_SECONDS), FIELDGATE_LIVENESS__PONG_SECONDS: '2' };
/** As on a slow link: so at any moment some pings are not answered yet. */
const PONG_MS = 400;
const AT_ONCE = 50;
const BLOCK = new URL('../support/block-on-signal.ts', import.meta.url).href;
const PATIENCE_MS = 20_000;

export async function runFrozenGateway({
  connections,
  stopSeconds,
  isBusy = false,
  canary,
}: FrozenGatewayRun): Promise<FrozenGatewayResult> {
  const weak = canary === undefined ? undefined : canaryProcess(canary);
  const env = { ...LIVENESS, BLOCK_MS: String(stopSeconds * 1000), ...weak?.env };
  await using gateway = await startChildGateway([], env, [...(weak?.nodeArgs ?? []), '--import', BLOCK]);
  await using stack = new AsyncDisposableStack();
  const sockets: TestSocket[] = [];
  const timers = new Set<NodeJS.Timeout>();
  stack.defer(() => {
    for (const timer of timers) clearTimeout(timer);
  });
  const connect = async (id: string): Promise<void> => {
    const { token } = await gateway.local('POST', '/v1/devices', { id });
    const headers = { Authorization: `Bearer ${token}` };
    const socket = await connectSocket({ port: gateway.port, caPem: gateway.caPem, path: '/v1/device', headers, autoPong: false });
    sockets.push(stack.use(socket));
    socket.ws.on('ping', () => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (socket.ws.readyState === socket.ws.OPEN) socket.ws.pong();
      }, PONG_MS);
      timers.add(timer);
    });
  };
  for (let i = 0; i < connections; i += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, connections - i) }, (_, k) => connect(`device-${i + k}`)));
  // every one of them is somewhere in its round of pings
  await Promise.all(sockets.map(pinged));

  const sinceMs = Date.now();
  if (isBusy) {
    process.kill(gateway.pid, 'SIGUSR2');
    await until(
      () => gateway.log.includes('stands still'),
      () => 'the gateway did not stand still',
    );
  } else gateway.freeze();
  try {
    for (const socket of sockets) socket.send([{ n: 'm', v: 1 }]);
    // the stall itself
    await new Promise((resolve) => setTimeout(resolve, stopSeconds * 1000));
  } finally {
    if (!isBusy) gateway.thaw();
  }
  const answers = await Promise.allSettled(sockets.map((socket) => socket.next()));
  // another round: whoever was given up wrongly is gone by then
  await Promise.all(sockets.map(pinged));
  return {
    lost: sockets.filter((socket) => socket.ws.readyState !== socket.ws.OPEN).length,
    offline: (await offlineEvents(gateway, sinceMs)).length,
    answered: answers.filter((answer) => answer.status === 'fulfilled' && answer.value.type === 'stored').length,
  };
}

/** The next ping; or its end, or so long that it is as good as one. */
function pinged({ ws }: TestSocket): Promise<void> {
  return new Promise((resolve) => {
    if (ws.readyState !== ws.OPEN) return resolve();
    const timer = setTimeout(resolve, PATIENCE_MS);
    const over = (): void => {
      clearTimeout(timer);
      ws.off('ping', over);
      ws.off('close', over);
      resolve();
    };
    ws.on('ping', over);
    ws.on('close', over);
  });
}

export interface FrozenDevicesResult {
  /** Until the last of them was on record as dead. */
  readonly noticedMs: number;
  readonly run: SimEnd;
  readonly verify: SimEnd;
}

/** `seconds` of measuring, with a stop in it that lasts until every device was noticed. */
export async function runFrozenDevices(seed: string, devices: number, seconds: number): Promise<FrozenDevicesResult> {
  await using gateway = await startChildGateway([], LIVENESS);
  await using fleet = await startSimFleet({ gateway, devices, rateHz: 5, seconds, seed });
  await fleet.online;
  const sinceMs = Date.now();
  fleet.freeze();
  const noticedMs = await timeUntilNoticed(gateway, devices, sinceMs, PATIENCE_MS);
  fleet.thaw();
  return { noticedMs, ...(await fleet.finish()) };
}
