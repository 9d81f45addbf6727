// The load of the ingest benchmark, as a process of its own: raw masked frames over TLS, a fixed number in flight a connection, no JSON
// parsed but the number in an ack. Reads its order as JSON from the first argument; prints one JSON line when the time is over.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';

export interface GeneratorOrder {
  readonly port: number;
  readonly caFile: string;
  /** A token a connection, one a line; '' for the floor, which asks for none. */
  readonly tokensFile: string;
  readonly connections: number;
  readonly inFlight: number;
  readonly readingsPerFrame: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}
export interface GeneratorReport {
  readonly ackedReadings: number;
  readonly ackedReadingsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of this process in the measured time, as a share of one core. */
  readonly generatorLoad: number;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];
const METRICS = ['temperature', 'pressure', 'vibration', 'battery', 'flow'];
const UNITS = ['Cel', 'bar', 'mm/s', 'V', 'l/min'];
const BODIES = 32;
/** Ack times in cells of 10 µs up to a second; the last cell has what took longer. */
const HISTOGRAM = new Float64Array(100_001);
const CELL_US = 10;

class Client {
  readonly socket: TLSSocket;
  readonly #order: GeneratorOrder;
  readonly #sentAtUs: Float64Array;
  #seq = 0;
  #acked = 0;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  ackedInWindow = 0;

  constructor(order: GeneratorOrder, token: string, ca: Buffer, onOpen: () => void, onLost: (why: string) => void) {
    this.#order = order;
    this.#sentAtUs = new Float64Array(order.inFlight);
    this.socket = connect({ host: '127.0.0.1', port: order.port, ca, servername: 'localhost' }, () => {
      const auth = token === '' ? '' : `Authorization: Bearer ${token}\r\n`;
      const key = randomBytes(16).toString('base64');
      this.socket.write(
        `GET /v1/device HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${auth}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
    });
    this.socket.setNoDelay(true);
    this.socket.on('data', (data: Buffer) => this.#read(data, onOpen, onLost));
    this.socket.on('error', (error) => onLost(error.message));
    this.socket.on('close', () => onLost('closed'));
  }

  #read(data: Buffer, onOpen: () => void, onLost: (why: string) => void): void {
    let buffer = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (!this.#isOpen) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = buffer;
        return;
      }
      if (!buffer.subarray(0, 12).toString().includes('101')) {
        onLost(buffer.subarray(0, 300).toString());
        return;
      }
      this.#isOpen = true;
      buffer = buffer.subarray(end + 4);
      const stream = randomBytes(12).toString('hex');
      this.socket.write(mask(Buffer.from(`{"type":"hello","stream":"${stream}","oldest":1,"next":1}`)));
    }
    let freed = 0;
    while (buffer.length >= 2) {
      let size = buffer[1] & 0x7f;
      let head = 2;
      if (size === 126) {
        if (buffer.length < 4) break;
        size = buffer.readUInt16BE(2);
        head = 4;
      }
      if (buffer.length < head + size) break;
      const opcode = buffer[0] & 0x0f;
      if (opcode === 1) freed += this.#message(buffer.toString('latin1', head, head + size), onOpen);
      else if (opcode === 9) this.socket.write(mask(buffer.subarray(head, head + size), 0x8a));
      else if (opcode === 8) onLost(`close ${buffer.readUInt16BE(head)} ${buffer.toString('utf8', head + 2, head + size)}`);
      buffer = buffer.subarray(head + size);
    }
    this.#rest = buffer;
    if (freed > 0) this.fill(freed);
  }

  #message(text: string, onOpen: () => void): number {
    if (text.startsWith('{"type":"ack"')) {
      const seq = Number(text.slice(20, -1));
      const freed = seq - this.#acked;
      if (isMeasuring) {
        const nowUs = performance.now() * 1000;
        for (let s = this.#acked + 1; s <= seq; s++) {
          const us = nowUs - this.#sentAtUs[s % this.#order.inFlight];
          HISTOGRAM[Math.min(HISTOGRAM.length - 1, Math.round(us / CELL_US))]++;
        }
        this.ackedInWindow += freed;
      }
      this.#acked = seq;
      return freed;
    }
    if (text.startsWith('{"type":"welcome"')) onOpen();
    else if (text.startsWith('{"type":"error"') || text.startsWith('{"type":"reject"')) throw new Error(text);
    return 0;
  }

  fill(frames: number): void {
    const parts: Buffer[] = [];
    const nowUs = performance.now() * 1000;
    for (let i = 0; i < frames; i++) {
      const seq = ++this.#seq;
      this.#sentAtUs[seq % this.#order.inFlight] = nowUs;
      parts.push(mask(Buffer.from(`{"type":"readings","seq":${seq},"readings":${bodies[seq % BODIES]}}`, 'latin1')));
    }
    this.socket.write(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  }
}

function mask(payload: Buffer, first = 0x81): Buffer {
  const { length } = payload;
  const head = length < 126 ? 6 : 8;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = first;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  for (let i = 0; i < 4; i++) frame[head - 4 + i] = MASK[i];
  for (let i = 0; i < length; i++) frame[head + i] = payload[i] ^ MASK[i & 3];
  return frame;
}

let isMeasuring = false;
const order = JSON.parse(process.argv[2]) as GeneratorOrder;
const bodies = Array.from({ length: BODIES }, (_, b) =>
  JSON.stringify(
    Array.from({ length: order.readingsPerFrame }, (_, i) => ({
      n: METRICS[i % METRICS.length],
      u: UNITS[i % UNITS.length],
      v: Math.round((20 + Math.sin(b + i) * 5) * 100) / 100,
    })),
  ),
);
const tokens = order.tokensFile === '' ? [] : readFileSync(order.tokensFile, 'utf8').trim().split('\n');
const ca = readFileSync(order.caFile);
const clients: Client[] = [];
const lost = (why: string): never => {
  console.error(`a connection was lost: ${why}`);
  process.exit(1);
};

// handshakes a few at a time: this measures ingest, not a storm
for (let i = 0; i < order.connections; i += 50) {
  const some = Array.from({ length: Math.min(50, order.connections - i) }, (_, k) => i + k);
  await Promise.all(some.map((k) => new Promise<void>((resolve) => clients.push(new Client(order, tokens[k] ?? '', ca, resolve, lost)))));
}
for (const client of clients) client.fill(order.inFlight);
await new Promise((resolve) => setTimeout(resolve, order.warmUpSeconds * 1000));
process.stdout.write('measuring\n');
isMeasuring = true;
const cpu = process.cpuUsage();
const startedMs = performance.now();
await new Promise((resolve) => setTimeout(resolve, order.seconds * 1000));
const seconds = (performance.now() - startedMs) / 1000;
const used = process.cpuUsage(cpu);
isMeasuring = false;
const frames = clients.reduce((sum, client) => sum + client.ackedInWindow, 0);
const ackedReadings = frames * order.readingsPerFrame;
const report: GeneratorReport = {
  ackedReadings,
  ackedReadingsPerSecond: Math.round(ackedReadings / seconds),
  p50Ms: percentile(frames, 0.5),
  p99Ms: percentile(frames, 0.99),
  generatorLoad: Math.round(((used.user + used.system) / 1e6 / seconds) * 100) / 100,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);

function percentile(total: number, p: number): number {
  let seen = 0;
  for (let cell = 0; cell < HISTOGRAM.length; cell++) {
    seen += HISTOGRAM[cell];
    if (seen >= total * p) return (cell * CELL_US) / 1000;
  }
  return Number.NaN;
}
