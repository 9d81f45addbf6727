// What the tests of captures and replays share: a port's settings, captures by hand and from downloads, and what became of a replay.

import { request } from 'node:https';
import {
  captureHeader,
  type CaptureRecord,
  CAPTURE_TYPE,
  createCaptureWriter,
  openCapture,
} from '../../gateway/protocol/capture-format.ts';
import type { EventView, ReplayNews, SerialPortView } from '../../gateway/protocol/rest.ts';
import type { SerialPortSettings } from '../../gateway/transports/serial/port-settings.ts';
import type { TestGateway } from './gateway.ts';
import { until as untilWithin } from './until.ts';

export const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  untilWithin(holds, () => holds.toString(), { patienceMs: 20_000 });
export const port = (path: string, more: Partial<SerialPortSettings> = {}): SerialPortSettings => ({
  path,
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
  flowControl: 'none',
  device: 'scale',
  framing: { kind: 'line' },
  rule: { kind: 'csv', columns: [{ metric: 'weight', unit: 'kg' }] },
  expectEverySeconds: null,
  ...more,
});
export const viewsOf = async (gateway: TestGateway): Promise<SerialPortView[]> => (await gateway.local('/v1/serial')).json().items;
export const readingsOf = async (gateway: TestGateway, device: string, metric = 'weight'): Promise<[number, number][]> => {
  const answer = await gateway.local(`/v1/readings?device=${device}&metric=${metric}&from=2000-01-01T00:00:00Z&to=now-0s&limit=10000`);
  return answer.status === 200 ? answer.json().readings : [];
};
export const eventsOf = async (gateway: TestGateway, device: string): Promise<(EventView & { detail?: Record<string, unknown> })[]> =>
  (await gateway.local(`/v1/events?device=${device}`)).json().items.filter(({ type }: EventView) => type === 'serial-replay');

export async function recordsIn(bytes: Uint8Array) {
  async function* source() {
    yield bytes;
  }
  const capture = await openCapture(source());
  const records: CaptureRecord[] = [];
  for await (const record of capture.records()) records.push(record);
  return { header: capture.header, records, outcome: capture.end.outcome };
}
export const bytesIn = (records: readonly CaptureRecord[]): string =>
  Buffer.concat(records.flatMap((record) => (record.kind === 'bytes' ? [record.bytes] : []))).toString('latin1');

/** Reads with the pauses before them, in ms. */
export function captureOf(
  reads: readonly (readonly [number, string | Uint8Array])[],
  settings: object = port('/dev/was'),
  startedMs = Date.UTC(2025, 0, 1),
) {
  const writer = createCaptureWriter(captureHeader(startedMs * 1000, { ...settings }));
  let atUs = startedMs * 1000;
  for (const [pauseMs, said] of reads) {
    atUs += pauseMs * 1000;
    writer.bytes(Buffer.from(said as string), atUs);
  }
  writer.end(atUs);
  return writer.take();
}
export const replay = (gateway: TestGateway, query: string, body: Uint8Array, type = CAPTURE_TYPE) =>
  gateway.admin(`/v1/serial/replay?${query}`, { method: 'POST', headers: { 'Content-Type': type }, body });
export const newsOf = ({ text }: { text: string }): ReplayNews[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A download that goes on: what it has so far, and all of it once it is over. */
export function openStream({ port: gatewayPort, caPem }: TestGateway, key: string, target: string) {
  const pieces: Buffer[] = [];
  const to = { host: '127.0.0.1', port: gatewayPort, ca: caPem, servername: 'localhost', agent: false };
  const call = request({ ...to, path: target, headers: { Authorization: `Bearer ${key}` } });
  const ended = new Promise<Buffer>((resolve) => {
    call.on('response', (answer) => {
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('close', () => resolve(Buffer.concat(pieces)));
      answer.on('error', () => undefined);
    });
    call.on('error', () => undefined);
  });
  call.end();
  return { call, ended, has: (text: string) => Buffer.concat(pieces).includes(text) };
}
