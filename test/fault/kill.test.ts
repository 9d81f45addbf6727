// kill -9 under load, again and again: after each restart every acked reading is there, once, and the books balance.

import { expect, test } from 'vitest';
import { type ChildGateway, startChildGateway } from '../support/child-gateway.ts';
import type { TestSocket } from '../support/socket.ts';

const DEVICES = 8;
const KILLS = 6;
const FRAME = 10;

/** A device that keeps what was not acked and sends it again, as the protocol says. */
interface Sender {
  readonly id: string;
  readonly token: string;
  readonly stream: string;
  acked: number;
  next: number;
}
/** The value of a reading says which it is: seq and index. */
const valueOf = (seq: number, index: number): number => seq * FRAME + index;

async function run(gateway: ChildGateway, sender: Sender, until: Promise<unknown>): Promise<void> {
  let socket: TestSocket;
  try {
    socket = await gateway.device(sender.token);
  } catch {
    return; // killed while it was opening
  }
  let isOver = false;
  void until.then(() => {
    isOver = true;
    socket.ws.terminate();
  });
  try {
    const welcome = await socket.hello(sender.stream, { oldest: sender.acked + 1, next: sender.next, acked: sender.acked });
    expect(welcome.acked).toBeGreaterThanOrEqual(sender.acked);
    expect(welcome.acked).toBeLessThan(sender.next);
    sender.acked = welcome.acked;
    let seq = welcome.acked + 1;
    while (!isOver) {
      for (; seq <= sender.acked + 32; seq++) {
        const readings = Array.from({ length: FRAME }, (_, i) => ({
          n: 'm',
          v: valueOf(seq, i),
          t: 1_700_000_000 + valueOf(seq, i) / 1000,
        }));
        socket.send({ type: 'readings', seq, readings });
        sender.next = Math.max(sender.next, seq + 1);
      }
      const message = await socket.next();
      if (message.type === 'ack') sender.acked = message.seq;
      else throw new Error(`unexpected ${JSON.stringify(message)}`);
    }
  } catch (error) {
    if (!isOver && !String(error).includes('instead of a message')) throw error;
  } finally {
    await socket[Symbol.asyncDispose]();
  }
}

test('every acked reading survives kill -9 under load, once, in order, and the books balance', { timeout: 120_000 }, async () => {
  await using gateway = await startChildGateway();
  const senders: Sender[] = [];
  for (let i = 0; i < DEVICES; i++) {
    const { token } = await gateway.local('POST', '/v1/devices', { id: `device-${i}` });
    senders.push({ id: `device-${i}`, token, stream: `stream-0000${i}`, acked: 0, next: 1 });
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const before = senders.map((sender) => sender.acked);
    const killed = Promise.withResolvers<number | null>();
    const runs = senders.map((sender) => run(gateway, sender, killed.promise));
    // killed at an arbitrary moment after every device was acked something in this round
    await expect.poll(() => senders.every((sender, i) => sender.acked > before[i] + 20 * (kill + 1)), { timeout: 60_000 }).toBe(true);
    killed.resolve(await gateway.kill('SIGKILL'));
    await Promise.all(runs);
    await gateway.start();

    for (const sender of senders) {
      const { items } = await gateway.local('GET', `/v1/accounting?device=${sender.id}&verify=true`);
      const [books] = items;
      expect(books).toMatchObject({ stream: sender.stream, quarantined: 0, gaps: 0, unexplained: 0, readings: books.settled * FRAME });
      expect(books.settled).toBeGreaterThanOrEqual(sender.acked);
      expect(books.settled).toBeLessThan(sender.next);
      expect(await readings(gateway, sender.id)).toStrictEqual(
        Array.from({ length: books.settled * FRAME }, (_, i) => valueOf(1 + Math.floor(i / FRAME), i % FRAME)),
      );
      const [series] = (await gateway.local('GET', `/v1/devices/${sender.id}/series`)).items;
      expect(series).toMatchObject({ count: books.settled * FRAME, latest: [expect.any(Number), valueOf(books.settled, FRAME - 1)] });
    }
  }
  console.log(`${KILLS} kills, ${senders.reduce((sum, sender) => sum + sender.acked * FRAME, 0)} acked readings, all there once`);
});

async function readings(gateway: ChildGateway, device: string): Promise<number[]> {
  const values: number[] = [];
  let next: string | null = null;
  do {
    const page: { readings: [number, number][]; next: string | null } = await gateway.local(
      'GET',
      `/v1/readings?device=${device}&metric=m&from=0&to=now&limit=10000${next === null ? '' : `&next=${encodeURIComponent(next)}`}`,
    );
    for (const [, value] of page.readings) values.push(value);
    next = page.next;
  } while (next !== null);
  return values;
}
