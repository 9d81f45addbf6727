// Bytes that were WebSocket frames once, over TLS into a gateway with a good device beside them.

import { expect, test } from 'vitest';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { startTestGateway } from '../support/gateway.ts';
import { watchLoop } from '../support/loop-watch.ts';
import { CBOR_FRAMES, JSON_FRAMES, mutated } from '../support/mutations.ts';
import { clientFrame, connectRawDevice, OPCODE, type RawDevice } from '../support/raw-device.ts';
import { createRandom, type SeededRandom } from '../support/seeded-random.ts';

const HELLO = { type: 'hello', stream: '8f3ac2d19b', oldest: 41, next: 2 ** 50 };
const SEED = 'mutated-wire-1';
const FRAMES = 2_000;
const LANES = 4;
const DEVICES = 150;
const BLOCKED_MS = 100;
const PATIENCE_MS = 20_000;

test('2,000 mutated frames, broken as WebSocket too, neither end nor block the gateway, and a good device gets its acks', async () => {
  await using gateway = await startTestGateway();
  const random = createRandom(SEED);
  const tokens: string[] = [];
  for (let i = 0; i < DEVICES; i++) tokens.push(await gateway.addDevice(`mutant-${i}`));
  await using good = await gateway.device('good');
  await good.hello('stream-good');
  const prototype = JSON.stringify(Reflect.ownKeys(Object.prototype).map(String));
  using loop = watchLoop();

  let sent = 0;
  let opened = 0;
  let refused = 0;
  const lane = async (own: SeededRandom): Promise<void> => {
    while (sent < FRAMES) {
      const isCbor = own.next() < 0.5;
      const subprotocol = isCbor ? 'fieldgate.v1.cbor' : 'fieldgate.v1';
      const token = tokens[opened++ % DEVICES];
      const device = await connectRawDevice({ port: gateway.port, caPem: gateway.caPem, token, subprotocol }).catch(() => null);
      if (device === null) {
        refused++;
        continue;
      }
      const opcode = isCbor ? OPCODE.binary : OPCODE.text;
      const frames = isCbor ? CBOR_FRAMES : JSON_FRAMES;
      if (own.next() < 0.5) device.write(clientFrame(isCbor ? encodeCbor(HELLO) : JSON.stringify(HELLO), { opcode }));
      for (let left = own.whole(1, 6); left > 0 && device.socket.writable; left--, sent++) {
        device.write(own.next() < 0.6 ? clientFrame(mutated(own, frames), { opcode }) : brokenFrame(own, opcode, frames));
      }
      await ended(device);
    }
  };
  let acked = 0;
  let isOver = false;
  const goodRun = (async () => {
    while (!isOver) {
      good.send({ type: 'readings', seq: acked + 1, readings: [{ n: 'a', v: acked }] });
      expect(await good.next()).toStrictEqual({ type: 'ack', seq: ++acked });
    }
  })();
  try {
    await Promise.all(Array.from({ length: LANES }, (_, i) => lane(random.fork(`${i}`))));
  } finally {
    isOver = true;
    await goodRun;
  }

  expect(loop.longestMs, `seed ${SEED}`).toBeLessThan(BLOCKED_MS);
  expect(JSON.stringify(Reflect.ownKeys(Object.prototype).map(String))).toBe(prototype);
  expect(acked).toBeGreaterThan(50);
  expect(refused).toBeLessThan(opened / 10);
  const { items } = (await gateway.admin('/v1/accounting?device=good&verify=true')).json();
  expect(items).toMatchObject([{ settled: acked, stored: acked, unexplained: 0 }]);
  const { items: rows } = (await gateway.admin('/v1/quarantine?limit=10000')).json();
  const codes = new Set(rows.map((row: { code: string }) => row.code));
  for (const code of ['bad-json', 'bad-cbor', 'bad-shape']) expect(codes).toContain(code);
  // what the mutants had stored or refused adds up too
  const mutants = (await gateway.admin('/v1/accounting?verify=true')).json().items;
  expect(mutants.filter((row: { unexplained: number }) => row.unexplained !== 0)).toStrictEqual([]);
  expect(mutants.length).toBeGreaterThan(DEVICES / 2);
}, 120_000);

/** Everything written is read by the other side before it sees our end. */
async function ended(device: RawDevice): Promise<void> {
  device.socket.setTimeout(PATIENCE_MS, () => device.socket.destroy());
  device.socket.end();
  const startedMs = performance.now();
  await device.closeCode();
  expect(performance.now() - startedMs, 'a connection was left open').toBeLessThan(PATIENCE_MS);
}

/** A frame, or several, that no proper client sends. */
function brokenFrame(random: SeededRandom, opcode: number, frames: readonly Buffer[]): Buffer {
  const payload = random.pick(frames);
  const frame = clientFrame(payload, { opcode });
  switch (random.whole(0, 7)) {
    case 0: // any head
      frame[0] = random.whole(0, 255);
      return frame;
    case 1: // any length, or no mask
      frame[1] = random.whole(0, 255);
      return frame;
    case 2: // a length that is a lie
      return clientFrame(payload, { opcode, length: random.pick([1n, 125n, 65_535n, 2n ** 31n, 2n ** 53n, 2n ** 63n]) });
    case 3: // fragments, of which some are missing
      return Buffer.concat([
        clientFrame(payload.subarray(0, 3), { opcode, fin: false }),
        clientFrame(payload.subarray(3), { opcode: random.pick([0, 0, opcode, OPCODE.ping]), fin: random.next() < 0.7 }),
      ]);
    case 4: // control frames in every shape
      return clientFrame(noise(random, random.whole(0, 130)), { opcode: random.whole(8, 15), rsv: random.pick([0, 0, 4]) });
    case 5:
      return clientFrame(payload, { opcode, masked: false });
    case 6:
      return noise(random, random.whole(1, 300));
    default:
      return mutated(random, [frame]);
  }
}
function noise(random: SeededRandom, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.whole(0, 255)));
}
