// The porch of the port under crowds: what a mute, half-done or failing crowd costs, and whether devices come in all the same. Each run
// has a gateway of its own with the limits as they are by default, and sizes that the caller chooses.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import path from 'node:path';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import { type CrowdKind, gatherCrowd, residentBytes } from '../support/crowd.ts';
import { createRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

export interface CrowdResult {
  readonly size: number;
  readonly slowestCloseMs: number;
  /** Devices that came in meanwhile, from the crowd's own address or from another, and the slowest of them. */
  readonly served: number;
  readonly slowestServedMs: number;
  readonly bytesEach: number;
}
export interface CrowdRun {
  readonly kind: CrowdKind;
  readonly size: number;
  /** Where the devices come from; else the crowd's own address. */
  readonly from?: string;
  /** For TLS, and for headers. */
  readonly limitSeconds?: number;
}
/** A crowd that arrives at once and stays; devices come until the last of it was closed. */
export async function runCrowd({ kind, size, from, limitSeconds = 10 }: CrowdRun): Promise<CrowdResult> {
  const limits = { FIELDGATE_LIMITS__HEADERS_SECONDS: String(limitSeconds), FIELDGATE_LIMITS__HANDSHAKE_SECONDS: String(limitSeconds) };
  await using gateway = await startChildGateway([], limits);
  const enter = await entrance(gateway, from);
  for (let i = 0; i < 20; i++) await enter();
  const before = residentBytes(gateway.pid);
  using crowd = await gatherCrowd({ port: gateway.port, kind, size });
  let [served, slowestServedMs, most] = [0, 0, before];
  while (crowd.open > 0) {
    slowestServedMs = Math.max(slowestServedMs, await enter());
    served += 1;
    most = Math.max(most, residentBytes(gateway.pid));
    await pause(50);
  }
  return { size, served, slowestServedMs, slowestCloseMs: Math.max(...crowd.agesMs), bytesEach: (most - before) / size };
}

export interface StormResult {
  readonly size: number;
  /** Connections that ended before they were in, and came again. */
  readonly again: number;
  readonly allInMs: number;
}
/** A site comes back: this many devices at one moment, from one address. Who is turned away comes back as a device would. */
export async function runStorm({ size, seed }: { size: number; seed: string }): Promise<StormResult> {
  const random = createRandom(seed);
  await using gateway = await startChildGateway();
  const tokens: string[] = [];
  while (tokens.length < size) {
    const ids = Array.from({ length: Math.min(50, size - tokens.length) }, (_, i) => `storm-${tokens.length + i}`);
    for (const made of await Promise.all(ids.map((id) => gateway.local('POST', '/v1/devices', { id })))) tokens.push(made.token);
  }
  const sockets = new Set<TLSSocket>();
  let [again, inside] = [0, 0];
  const startedMs = performance.now();
  const device = async (token: string): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        sockets.add(await knock(gateway, upgradeHead(token), '127.0.0.1'));
        inside += 1;
        return;
      } catch {
        again += 1;
        await pause(random.whole(0, attempt === 0 ? 5000 : Math.min(60_000, 1000 * 2 ** attempt)));
      }
    }
  };
  const all = Promise.all(tokens.map(device));
  await until(
    () => inside === size,
    () => `${inside} of ${size} are in, ${again} came again`,
    { patienceMs: 180_000 },
  );
  await all;
  const allInMs = performance.now() - startedMs;
  for (const socket of sockets) socket.destroy();
  return { size, again, allInMs };
}

export interface FloodResult {
  readonly connects: number;
  /** What failing ones were told, by status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly withoutRetryAfter: number;
  readonly served: number;
  readonly slowestServedMs: number;
}
/** `perSecond` connections from one address, every other one mute, the rest with a wrong token; devices of the same address come in. */
export async function runFlood({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<FloodResult> {
  await using gateway = await startChildGateway();
  const enter = await entrance(gateway);
  const answers: Record<string, number> = {};
  let [connects, withoutRetryAfter, served, slowestServedMs, isOver] = [0, 0, 0, 0, false];
  const open = new Set<{ destroy(): void }>();
  const fail = async (): Promise<void> => {
    try {
      const socket = await knock(gateway, upgradeHead('fgd_wrong'), '127.0.0.1', (head) => {
        const status = head.slice(9, 12);
        answers[status] = (answers[status] ?? 0) + 1;
        if (status !== '401' && !/^retry-after: \d+/im.test(head)) withoutRetryAfter += 1;
      });
      socket.destroy();
    } catch {
      answers['cut'] = (answers['cut'] ?? 0) + 1;
    }
  };
  const mute = (): void => {
    const socket = tcpConnect({ host: '127.0.0.1', port: gateway.port });
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.resume();
  };
  const devices = (async () => {
    while (!isOver) {
      slowestServedMs = Math.max(slowestServedMs, await enter());
      served += 1;
      await pause(50);
    }
  })();
  const failing: Promise<void>[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    for (let i = 0; i < perSecond / 20; i++) {
      connects += 1;
      if (connects % 2 === 0) mute();
      else failing.push(fail());
    }
    await pause(50);
  }
  isOver = true;
  await Promise.all([devices, ...failing]);
  for (const socket of open) socket.destroy();
  return { connects, answers, withoutRetryAfter, served, slowestServedMs };
}

/** What the long run asks of each crowd, in sockets, devices and connections a second. */
export interface AdmissionSizes {
  readonly mute: number;
  readonly halfDone: number;
  readonly storm: number;
  readonly perSecond: number;
  readonly seconds: number;
}
export const WHOLE_SIZE: AdmissionSizes = { mute: 10_000, halfDone: 1000, storm: 5000, perSecond: 1000, seconds: 10 };
/** What is promised of a peer before it has said who it is. */
export const PROMISED = { closeMs: 12_000, bytesEach: 128 * 1024 };

/** All of it, one after the other; `faults` is empty when every promise held. */
export async function runAdmission(seed: string, sizes = WHOLE_SIZE): Promise<{ connections: number; faults: readonly string[] }> {
  const faults: string[] = [];
  for (const [kind, size, from] of [
    ['mute', sizes.mute, '127.0.0.1'],
    ['half-handshake', sizes.halfDone, '127.0.0.2'],
    ['slow-headers', sizes.halfDone, '127.0.0.2'],
  ] as const) {
    const { slowestCloseMs, bytesEach, served } = await runCrowd({ kind, size, from });
    if (slowestCloseMs > PROMISED.closeMs) faults.push(`one of ${size} ${kind} sockets was open for ${Math.round(slowestCloseMs)} ms`);
    if (bytesEach > PROMISED.bytesEach) faults.push(`each of ${size} ${kind} sockets cost ${Math.round(bytesEach / 1024)} KiB`);
    if (served === 0) faults.push(`no device came in beside ${size} ${kind} sockets`);
  }
  await runStorm({ size: sizes.storm, seed }); // rejects when one never comes in
  const { connects, answers, withoutRetryAfter, served } = await runFlood(sizes);
  if (answers['429'] === undefined) faults.push(`a flood of failures was never told to wait: ${JSON.stringify(answers)}`);
  if (withoutRetryAfter > 0) faults.push(`${withoutRetryAfter} refusals did not say when to come back`);
  if (served === 0) faults.push('no device came in beside a flood of failures');
  return { connections: sizes.mute + 2 * sizes.halfDone + sizes.storm + connects, faults };
}

/** A device's way in, tried as often as it takes: the milliseconds until its 101. */
async function entrance(gateway: ChildGateway, from = '127.0.0.1'): Promise<() => Promise<number>> {
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'welcome' });
  return async () => {
    const startedMs = performance.now();
    for (;;) {
      try {
        let head = '';
        const socket = await knock(gateway, upgradeHead(token), from, (seen) => {
          head = seen;
        });
        socket.destroy();
        if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`a device with a valid token got ${head}`);
        return performance.now() - startedMs;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      }
    }
  };
}

function upgradeHead(token: string): string {
  const lines = [
    'GET /v1/device HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
  ];
  return [...lines, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n');
}

/** TLS, one request; resolves with the socket when the head of an answer is here, rejects when the connection ends before. */
async function knock(gateway: ChildGateway, request: string, from: string, onHead?: (head: string) => void): Promise<TLSSocket> {
  const ca = caOf(gateway);
  const socket = tlsConnect({ host: '127.0.0.1', port: gateway.port, servername: 'localhost', ca, localAddress: from } as never);
  const answered = Promise.withResolvers<string>();
  let seen = '';
  socket.on('data', (bytes: Buffer) => {
    seen += bytes.toString('latin1');
    if (seen.includes('\r\n\r\n')) answered.resolve(seen);
  });
  socket.on('error', (error) => answered.reject(error));
  socket.on('close', () => answered.reject(Object.assign(new Error('cut before an answer'), { code: 'ECONNRESET' })));
  answered.promise.catch(() => undefined);
  await Promise.race([once(socket, 'secureConnect'), answered.promise]);
  socket.write(request);
  onHead?.(await answered.promise);
  await answered.promise;
  return socket;
}

const cas = new WeakMap<ChildGateway, Buffer>();
function caOf(gateway: ChildGateway): Buffer {
  let ca = cas.get(gateway);
  if (ca === undefined) cas.set(gateway, (ca = readFileSync(path.join(gateway.data, 'tls', 'ca.crt'))));
  return ca;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
