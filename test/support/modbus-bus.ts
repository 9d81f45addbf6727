// Slaves on a pseudo-terminal, as a test scripts them: every request that a master sends is read, noted with its time, and answered as
// told. Its checksum is its own, computed bit by bit.

import { setTimeout as sleep } from 'node:timers/promises';
import type { SerialPlug } from './pty.ts';

export interface Asked {
  readonly slave: number;
  readonly code: number;
  readonly address: number;
  readonly count: number;
  readonly atMs: number;
}
/** What goes on the line for a request: bytes as they are, at once or later. */
export type Reply = Uint8Array | { readonly afterMs: number; readonly bytes: Uint8Array } | null;
/** `n` counts the requests to that slave, from 1. */
export type Script = (asked: Asked, n: number) => Reply | readonly Reply[];

export interface ModbusBus extends AsyncDisposable {
  /** Every request with a right checksum, in their order. */
  readonly asked: readonly Asked[];
  /** Bytes that were no request. */
  readonly garbled: number;
  askedOf(slave: number): readonly Asked[];
  /** From now on this slave does so; null: it is not there. */
  script(slave: number, script: Script | null): void;
}

const REQUEST_BYTES = 8;

export function startModbusBus(plug: SerialPlug, scripts: Readonly<Record<number, Script>>): ModbusBus {
  const asked: Asked[] = [];
  const all = new Map<number, Script>(Object.entries(scripts).map(([slave, script]) => [Number(slave), script]));
  let pending = Buffer.alloc(0);
  let garbled = 0;
  let isOver = false;

  async function say(reply: Reply): Promise<void> {
    if (reply === null) return;
    if (reply instanceof Uint8Array) return void plug.say(reply);
    await sleep(reply.afterMs);
    if (!isOver) plug.say(reply.bytes);
  }
  function take(): void {
    pending = Buffer.concat([pending, plug.receive()]);
    while (pending.length >= REQUEST_BYTES) {
      if (crcOf(pending.subarray(0, 6)) !== pending.readUInt16LE(6)) {
        garbled++;
        pending = pending.subarray(1);
        continue;
      }
      const [slave = 0, code = 0] = pending;
      const one = { slave, code, address: pending.readUInt16BE(2), count: pending.readUInt16BE(4), atMs: performance.now() };
      pending = pending.subarray(REQUEST_BYTES);
      asked.push(one);
      const n = asked.filter((other) => other.slave === slave).length;
      const replies = all.get(slave)?.(one, n) ?? null;
      for (const reply of Array.isArray(replies) ? (replies as readonly Reply[]) : [replies as Reply]) void say(reply);
    }
  }
  const looking = (async () => {
    for (; !isOver; await sleep(1)) take();
  })();

  return {
    asked,
    get garbled() {
      return garbled;
    },
    askedOf: (slave) => asked.filter((one) => one.slave === slave),
    script(slave, script) {
      if (script === null) all.delete(slave);
      else all.set(slave, script);
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await looking;
    },
  };
}

/** As the specification describes it, bit by bit. */
export function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = crc % 2 === 1;
      crc = Math.floor(crc / 2);
      if (isOdd) crc ^= 0xa001;
    }
  }
  return crc;
}

export function sealed(...content: number[]): Buffer {
  const frame = Buffer.alloc(content.length + 2);
  frame.set(content);
  frame.writeUInt16LE(crcOf(frame.subarray(0, content.length)), content.length);
  return frame;
}

/** The answer with these registers, of which the first is the first that was asked for. */
export function registers({ slave, code, count }: Asked, valueAt: (index: number) => number): Buffer {
  const data = Array.from({ length: count }, (_, i) => [(valueAt(i) >> 8) & 0xff, valueAt(i) & 0xff]).flat();
  return sealed(slave, code, data.length, ...data);
}

export function exception({ slave, code }: Asked, number: number): Buffer {
  return sealed(slave, code | 0x80, number);
}

/** The frame with one bit of its data turned. */
export function spoiled(frame: Uint8Array): Buffer {
  const other = Buffer.from(frame);
  other[3]! ^= 0x10;
  return other;
}
