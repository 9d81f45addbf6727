// The bare prototype that the gateway is measured against: ws over TLS, JSON.parse, columns to a worker, append with full sync, ack.
// No checks, no books, no relay. Started as a process: `floor.ts DATA_FOLDER KEY_FILE CERT_FILE`; prints `ready PORT`.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type WebSocket, WebSocketServer } from 'ws';

interface Columns {
  count: number;
  readonly series: Int32Array<ArrayBuffer>;
  readonly timeMs: Float64Array<ArrayBuffer>;
  readonly value: Float64Array<ArrayBuffer>;
}
interface Peer {
  readonly ws: WebSocket;
  readonly id: number;
  seq: number;
}

/** More than can be in flight in any scenario: 50 connections × 32 frames × 20 readings. */
const CAPACITY = 40_000;

if (isMainThread) serve();
else write();

function serve(): void {
  const [folder, key, cert] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: path.join(folder, 'floor.db') });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const metrics = new Map<string, number>();
  let filling = emptyColumns();
  let spare = emptyColumns();
  let touched = new Set<Peer>();
  let committing: Set<Peer> | null = null;
  let isScheduled = false;
  let peers = 0;

  sockets.on('connection', (ws) => {
    const peer: Peer = { ws, id: peers++, seq: 0 };
    ws.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString());
      if (message.type === 'hello') {
        ws.send(JSON.stringify({ type: 'welcome', acked: 0 }));
        return;
      }
      const now = Date.now();
      for (const { n, v } of message.readings) {
        let metric = metrics.get(n);
        if (metric === undefined) metrics.set(n, (metric = metrics.size));
        const i = filling.count++;
        filling.series[i] = peer.id * 64 + metric;
        filling.timeMs[i] = now;
        filling.value[i] = v;
      }
      peer.seq = message.seq;
      touched.add(peer);
      if (!isScheduled && committing === null) {
        isScheduled = true;
        setImmediate(flush);
      }
    });
  });

  function flush(): void {
    isScheduled = false;
    if (touched.size === 0) return;
    committing = touched;
    const sent = filling;
    const acks = [...touched].map((peer) => [peer, peer.seq] as const);
    touched = new Set();
    filling = spare;
    worker.once('message', () => {
      for (const [peer, seq] of acks) peer.ws.send(`{"type":"ack","seq":${seq}}`);
      committing = null;
      flush();
    });
    const cut = {
      count: sent.count,
      series: sent.series.slice(0, sent.count),
      timeMs: sent.timeMs.slice(0, sent.count),
      value: sent.value.slice(0, sent.count),
    };
    sent.count = 0;
    spare = sent;
    worker.postMessage(cut, [cut.series.buffer, cut.timeMs.buffer, cut.value.buffer]);
  }

  server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
  process.on('SIGTERM', () => process.exit(0));
}

function emptyColumns(): Columns {
  return { count: 0, series: new Int32Array(CAPACITY), timeMs: new Float64Array(CAPACITY), value: new Float64Array(CAPACITY) };
}

function write(): void {
  const db = new Database(workerData as string);
  db.pragma('page_size = 8192');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE log(position INTEGER PRIMARY KEY, series INTEGER, time_ms INTEGER, value)');
  const begin = db.prepare('BEGIN');
  const insert = db.prepare('INSERT INTO log(series, time_ms, value) VALUES (?, ?, ?)');
  const commit = db.prepare('COMMIT');
  parentPort?.on('message', ({ count, series, timeMs, value }: Columns) => {
    begin.run();
    for (let i = 0; i < count; i++) insert.run(series[i], timeMs[i], value[i]);
    commit.run();
    parentPort?.postMessage(count);
  });
}
