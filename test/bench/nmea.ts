// Recorded NMEA 0183 logs through a real line into a gateway: every sentence with a valid checksum has to become exactly the readings that
// the rule makes of it, or a counted reason. What is expected is counted from the file, what is there is asked of the gateway.

import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AccountingRow, SerialPortView } from '../../gateway/protocol/rest.ts';
import { type NmeaTotals, nmeaTotals } from '../../gateway/transports/serial/rules-nmea-totals.ts';
import { plugSerial } from '../support/pty.ts';
import { until } from '../support/until.ts';
import { ask, startGatewayProcess } from './servers.ts';

/** As fast as a line at 921,600 baud: a line that is faster than any is asked to drop. */
const SLICE_BYTES = 900;
const SLICE_MS = 10;
/** Counted by the framing, which looks at checksums itself, under other names than the rule has for them. */
const NO_SENTENCE = ['comment', 'empty', 'no-match', 'bad-checksum', 'undecodable'];

export async function nmeaBench(files: readonly string[]): Promise<boolean> {
  if (files.length === 0) {
    console.error('usage: npm run bench -- nmea LOG…');
    return false;
  }
  let isGood = true;
  for (const file of files) {
    const content = readFileSync(file);
    const expected = nmeaTotals(linesOf(content));
    const found = await throughAGateway(content, expected);
    const isEqual = JSON.stringify(found) === JSON.stringify(comparable(expected)) && expected.valid > 0;
    console.log(JSON.stringify({ file, isEqual, ...expected }, null, 1));
    if (!isEqual) console.log(JSON.stringify({ expected: comparable(expected), found }, null, 1));
    isGood &&= isEqual;
  }
  return isGood;
}

interface Comparable {
  readonly metrics: Readonly<Record<string, number>>;
  readonly readings: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly badChecksums: number;
  readonly overrun: number;
  readonly unexplained: number;
}

function comparable({ metrics, readings, skipped, refused }: NmeaTotals): Comparable {
  return { metrics, readings, skipped: sentencesOf(skipped), badChecksums: refused['bad-checksum'] ?? 0, overrun: 0, unexplained: 0 };
}

async function throughAGateway(content: Buffer, expected: NmeaTotals): Promise<Comparable> {
  await using stack = new AsyncDisposableStack();
  const plug = stack.use(await plugSerial());
  const folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-nmea-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'fieldgate.yaml');
  const port = { path: plug.path, baudRate: 4800, device: 'boat', framing: 'nmea', rule: 'nmea' };
  // JSON is YAML
  writeFileSync(config, JSON.stringify({ serial: { ports: [port] } }));
  const gateway = await startGatewayProcess({ devices: 0, env: { FIELDGATE_CONFIG: config } });
  stack.defer(() => gateway.stop());
  const view = async () => ((await ask(gateway, '/v1/serial')) as { items: SerialPortView[] }).items[0]!;
  await until(
    async () => (await view()).state === 'open',
    () => 'the port did not open',
  );
  for (let start = 0; start < content.byteLength; start += SLICE_BYTES) {
    await plug.sayAll(content.subarray(start, start + SLICE_BYTES));
    await wait(SLICE_MS);
  }
  const ending = content.at(-1) === 0x0a ? '' : '\r\n';
  await plug.sayAll(ending);
  await until(
    async () => (await view()).bytes === content.byteLength + ending.length,
    () => 'not all of the log was read',
  );
  const series = async () => ((await ask(gateway, '/v1/devices/boat/series')) as { items: { metric: string; count: number }[] }).items;
  const stored = async () => (await series()).reduce((sum, { count }) => sum + count, 0);
  // what is missing for good is found by its absence
  await until(
    async () => (await stored()) === expected.readings,
    () => '',
    { patienceMs: 10_000, everyMs: 200 },
  ).catch(() => undefined);
  const { skipped, faults } = await view();
  const books = ((await ask(gateway, '/v1/accounting?device=boat&verify=true')) as { items: AccountingRow[] }).items;
  return {
    metrics: sorted((await series()).map(({ metric, count }) => [metric, count])),
    readings: await stored(),
    skipped: sentencesOf(skipped),
    badChecksums: faults['bad-checksum'] ?? 0,
    overrun: faults['overrun'] ?? 0,
    unexplained: books.reduce((sum, { unexplained }) => sum + unexplained, 0),
  };
}

function sentencesOf(skipped: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return sorted(Object.entries(skipped).filter(([reason]) => !NO_SENTENCE.includes(reason)));
}

function sorted(entries: readonly (readonly [string, number])[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function* linesOf(content: Buffer): Generator<Uint8Array> {
  let start = 0;
  while (start < content.byteLength) {
    const end = content.indexOf(0x0a, start);
    yield content.subarray(start, end < 0 ? content.byteLength : end);
    start = end < 0 ? content.byteLength : end + 1;
  }
}
