// What breaks the rules of WebSocket, byte by byte: each ends that one connection with the right code, and nobody else notices.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { clientFrame, connectRawDevice, OPCODE } from '../support/raw-device.ts';

const pack = '[{"n":"a","v":1}]';
const { continuation, binary, close, ping, pong } = OPCODE;
const frame = clientFrame;
const code = (value: number, reason: string | Uint8Array = ''): Buffer => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(value);
  return Buffer.concat([head, Buffer.from(reason as string)]);
};
const fragments = (count: number, bytes: number): Buffer[] => [
  frame('['.padEnd(bytes, ' '), { fin: false }),
  ...Array.from({ length: count - 2 }, () => frame(' '.repeat(bytes), { opcode: continuation, fin: false })),
  frame('{"n":"a","v":1}]', { opcode: continuation }),
];

interface Row {
  readonly row: string;
  readonly send: readonly Uint8Array[];
  readonly close: number;
}
const CLOSING: readonly Row[] = [
  { row: 'F1 an unmasked frame', send: [frame(pack, { masked: false })], close: 1002 },
  { row: 'F2 RSV1', send: [frame(pack, { rsv: 4 })], close: 1002 },
  { row: 'F2 RSV2', send: [frame(pack, { rsv: 2 })], close: 1002 },
  { row: 'F2 RSV3', send: [frame(pack, { rsv: 1 })], close: 1002 },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({ row: `F3 opcode ${opcode}`, send: [frame('', { opcode })], close: 1002 })),
  { row: 'F4 a continuation without a start', send: [frame(pack, { opcode: continuation })], close: 1002 },
  { row: 'F4 a new message inside fragments', send: [frame('[', { fin: false }), frame(pack)], close: 1002 },
  { row: 'F5 a fragmented ping', send: [frame('x', { opcode: ping, fin: false })], close: 1002 },
  { row: 'F5 a ping of 126 bytes', send: [frame('x'.repeat(126), { opcode: ping })], close: 1002 },
  { row: 'F6 a close of one byte', send: [frame('x', { opcode: close })], close: 1002 },
  ...[999, 1005, 1006, 1015, 5000].map((value) => ({
    row: `F6 close code ${value}`,
    send: [frame(code(value), { opcode: close })],
    close: 1002,
  })),
  { row: 'F6 a close reason that is not UTF-8', send: [frame(code(1000, Buffer.from([0xff])), { opcode: close })], close: 1007 },
  { row: 'F7 text that is not UTF-8', send: [frame(Buffer.from([0x22, 0xff, 0x22]))], close: 1007 },
  { row: 'F7 bytes of a lone surrogate', send: [frame(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))], close: 1007 },
  {
    row: 'F7 broken UTF-8 split over fragments',
    send: [frame(Buffer.from([0x22, 0xc3]), { fin: false }), frame(Buffer.from([0x28, 0x22]), { opcode: continuation })],
    close: 1007,
  },
  { row: 'F8 a length of 2^63', send: [frame('', { length: 2n ** 63n })], close: 1009 },
  { row: 'F8 a length of 2^53', send: [frame('', { length: 2n ** 53n })], close: 1009 },
  { row: 'F8 a length of 100 MiB', send: [frame('', { length: 100n * 1024n * 1024n })], close: 1009 },
  { row: 'F9 65,537 bytes in one frame', send: [frame(' '.repeat(65_537))], close: 1009 },
  { row: 'F9 65,537 bytes in fragments', send: fragments(12, 6000), close: 1009 },
  { row: 'F9 more than 16 fragments', send: fragments(18, 10), close: 1008 },
  {
    row: 'F10 empty continuation frames',
    send: [frame('[', { fin: false }), ...Array.from({ length: 100 }, () => frame('', { opcode: continuation, fin: false }))],
    close: 1008,
  },
  { row: 'F17 a binary frame where JSON is spoken', send: [frame(pack, { opcode: binary })], close: 1003 },
  { row: 'F18 a compressed frame though nothing was negotiated', send: [frame(Buffer.from('8a4e0300', 'hex'), { rsv: 4 })], close: 1002 },
];

let gateway: TestGateway;
let made = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
const connect = async (subprotocol?: string) =>
  connectRawDevice({ port: gateway.port, caPem: gateway.caPem, token: await gateway.addDevice(`raw-${++made}`), subprotocol });

for (const { row, send, close: expected } of CLOSING) {
  test(`${row} closes ${expected}`, async () => {
    await using device = await connect();
    for (const bytes of send) device.write(bytes);
    expect(await device.closeCode()).toBe(expected);
  });
}

test('F17 a text frame where CBOR is spoken closes 1003', async () => {
  await using device = await connect('fieldgate.v1.cbor');
  device.write(frame(pack));
  expect(await device.closeCode()).toBe(1003);
});

test('F9 64 KiB and 16 fragments are taken', async () => {
  await using device = await connect();
  device.write(frame(pack.padEnd(65_536, ' ')));
  expect((await device.next())?.payload.toString()).toBe('{"type":"stored","readings":1}');
  for (const bytes of fragments(16, 4000)) device.write(bytes);
  expect((await device.next())?.payload.toString()).toBe('{"type":"stored","readings":1}');
});

test('F11 a message in more pieces than may be buffered closes 1008', { timeout: 60_000 }, async () => {
  await using device = await connect();
  device.socket.setNoDelay(true);
  const bytes = frame(pack.padEnd(65_536, ' '));
  // one byte a TLS record: the next when the one before has left
  for (let i = 0; i < 5000 && device.socket.writable; i++) {
    await new Promise((resolve) => device.socket.write(bytes.subarray(i, i + 1), resolve));
  }
  expect(await device.closeCode()).toBe(1008);
});

test('F13 F14 pings are answered with their payload, pongs never; both in the middle of a message', async () => {
  await using device = await connect();
  device.write(frame('[{"n":"a",', { fin: false }));
  device.write(frame('hi', { opcode: ping }));
  device.write(frame('', { opcode: pong }));
  device.write(frame('unasked', { opcode: pong }));
  device.write(frame('"v":1}]', { opcode: continuation }));
  const first = await device.next();
  expect([first?.opcode, first?.payload.toString()]).toStrictEqual([pong, 'hi']);
  expect((await device.next())?.payload.toString()).toBe('{"type":"stored","readings":1}');
});

test('F16 what comes after a close is ignored, and the connection is gone', async () => {
  await using device = await connect();
  device.write(Buffer.concat([frame(code(1000), { opcode: close }), frame(pack)]));
  expect(await device.closeCode()).toBe(1000);
  const { items } = (await gateway.admin(`/v1/accounting?device=raw-${made}`)).json();
  expect(items).toStrictEqual([]);
});

test('F16 a peer that neither answers our close nor ends is cut within the time for it', { timeout: 30_000 }, async () => {
  await using device = await connect();
  device.write(frame('', { rsv: 1 }));
  const startedMs = performance.now();
  expect(await device.closeCode()).toBe(1002);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test('a half-closed connection is finished, and what it sent before is stored', async () => {
  await using device = await connect();
  device.socket.end(frame(pack));
  await device.closeCode();
  await expect
    .poll(async () => (await gateway.admin(`/v1/accounting?device=raw-${made}`)).json().items)
    .toMatchObject([{ stream: '~ws', stored: 1 }]);
});

test('F22 a reset in the middle of a frame leaves nothing behind and nobody else notices', async () => {
  await using other = await gateway.device('other');
  for (let i = 0; i < 20; i++) {
    const device = await connect();
    device.write(frame(pack, { length: 60_000n }));
    (device.socket as unknown as { _parent?: { resetAndDestroy(): void } })._parent?.resetAndDestroy();
    device.socket.destroy();
  }
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toStrictEqual({ type: 'stored', readings: 1 });
  await expect
    .poll(async () => {
      const { items } = (await gateway.admin('/v1/devices?limit=500')).json();
      return items.filter((device: { online: boolean }) => device.online).map((device: { id: string }) => device.id);
    })
    .toStrictEqual(['other']);
});

test('F14 a flood of pongs is slowed like frames, and other devices are served beside it', async () => {
  await using other = await gateway.device('beside-pongs');
  await using device = await connect();
  const pongs = Buffer.concat(Array.from({ length: 8000 }, () => frame('', { opcode: pong })));
  device.write(pongs);
  const held = async (): Promise<number> => {
    const { text } = await gateway.admin('/metrics');
    return Number(/fieldgate_device_holds_total\{reason="rate"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  await expect.poll(held).toBeGreaterThan(0);
  other.send([{ n: 'a', v: 1 }]);
  expect(await other.next()).toStrictEqual({ type: 'stored', readings: 1 });
  // slowed, not closed: what comes after them is taken when the rate allows
  device.write(frame(pack));
  expect((await device.next())?.payload.toString()).toBe('{"type":"stored","readings":1}');
});

test('F16 a peer that goes on sending after our close is cut, without waiting for its close', async () => {
  await using device = await connect();
  const chunk = Buffer.concat(Array.from({ length: 4000 }, () => frame(`["${'x'.repeat(50)}"]`)));
  device.write(frame(JSON.stringify({ type: 'readings', seq: 1, readings: [] })));
  let isOver = false;
  const closed = device.closeCode().then((value) => {
    isOver = true;
    return value;
  });
  const startedMs = performance.now();
  while (!isOver) {
    if (device.socket.writable) device.socket.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect([4400, 1006]).toContain(await closed);
  expect(performance.now() - startedMs).toBeLessThan(4_500);
});
