// npm run bench -- serial --garbage: eight ports that bring noise at the speed of their line beside two good ones, and megabytes without a
// newline as fast as a pseudo-terminal gives them. Memory stays flat, a bad port takes at most a fifth of a core, good ports notice nothing.

import { setTimeout as wait } from 'node:timers/promises';
import { plugSerial, type SerialPlug } from '../support/pty.ts';
import { until } from '../support/until.ts';
import { rounded } from './child.ts';
import { option } from './ingest.ts';
import { faultsOf, feed, openLines, sumOf } from './serial-lines.ts';

const BAD_PORTS = 8;
const GOOD_PORTS = 2;
const BAUD_RATE = 115_200;
const MOST_CPU_A_PORT = 0.2;
/** Every refused line goes into the database, whose caches fill; after two minutes it grows no more. */
const MOST_GROWTH_MIB = 48;
const MIB = 2 ** 20;

export async function garbageBench(args: readonly string[]): Promise<boolean> {
  const seconds = Number(option(args, '--seconds') ?? 60);
  const megabytes = Number(option(args, '--megabytes') ?? 50);
  const noise = await measureNoise(seconds);
  console.log(JSON.stringify(noise));
  const flood = await measureFlood(megabytes);
  console.log(JSON.stringify(flood));
  const isFlat = [noise, flood].every(({ grownMiB }) => grownMiB <= MOST_GROWTH_MIB);
  const isCheap = [noise, flood].every(({ cpuShareABadPort }) => cpuShareABadPort <= MOST_CPU_A_PORT);
  return isFlat && isCheap && noise.goodReadings === noise.goodReadingsDue && noise.lostBytes === 0 && flood.isLineAfterRead;
}

async function measureNoise(seconds: number) {
  await using stack = new AsyncDisposableStack();
  const plugs: SerialPlug[] = [];
  for (let i = 0; i < BAD_PORTS + GOOD_PORTS; i++) plugs.push(stack.use(await plugSerial()));
  const { gateway, views } = await openLines(stack, plugs, BAUD_RATE);
  const paths = plugs.map((plug) => plug.sensorPath);
  const speed = { bytesPerSecond: BAUD_RATE / 10, seconds };
  const cpuBefore = gateway.child.cpuSeconds();
  const feeding = Promise.all([
    feed({ ...speed, sensorPaths: paths.slice(0, BAD_PORTS), says: 'noise' }),
    feed({ ...speed, sensorPaths: paths.slice(BAD_PORTS) }),
  ]);
  // at the quarters of the time; from the first one on it is to be flat
  const rss: number[] = [];
  for (let quarter = 1; quarter < 4; quarter++) {
    await wait((seconds * 1000) / 4);
    rss.push(gateway.child.rssBytes());
  }
  const [bad, good] = await feeding;
  const cpuSeconds = gateway.child.cpuSeconds() - cpuBefore;
  const lostBytes = bad.lostBytes + good.lostBytes;
  await gateway.reads(bad.bytes + good.bytes - lostBytes);
  const all = await views();
  return {
    scenario: `noise on ${BAD_PORTS} ports at 115,200 baud for ${seconds} s beside ${GOOD_PORTS} good ones`,
    states: countBy(all.slice(0, BAD_PORTS).map(({ state }) => state)),
    lostBytes,
    faults: faultsOf(all),
    goodReadings: sumOf(all.slice(BAD_PORTS), 'readings'),
    goodReadingsDue: 2 * good.lines,
    goodFaults: faultsOf(all.slice(BAD_PORTS)),
    // all that the process took, the good ports' part included
    cpuShareABadPort: rounded(cpuSeconds / seconds / BAD_PORTS, 3),
    rssMiB: [...rss, gateway.child.rssBytes()].map((bytes) => rounded(bytes / MIB, 0)),
    grownMiB: rounded((gateway.child.rssBytes() - rss[0]) / MIB, 0),
  };
}

async function measureFlood(megabytes: number) {
  await using stack = new AsyncDisposableStack();
  const plug = stack.use(await plugSerial());
  const { gateway, views } = await openLines(stack, [plug], BAUD_RATE);
  const piece = Buffer.alloc(1_000_000, 'x');
  await plug.sayAll(piece);
  const rssBefore = gateway.child.rssBytes();
  const cpuBefore = gateway.child.cpuSeconds();
  const startedMs = performance.now();
  for (let i = 1; i < megabytes; i++) await plug.sayAll(piece);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuSeconds = gateway.child.cpuSeconds() - cpuBefore;
  await plug.sayAll('\n1,2,3\n');
  let isLineAfterRead = true;
  await until(
    async () => sumOf(await views(), 'readings') === 2,
    () => 'the line after it was not read',
  ).catch(() => {
    isLineAfterRead = false;
  });
  const all = await views();
  return {
    scenario: `${megabytes} MB without a newline, as fast as they are taken`,
    seconds: rounded(seconds, 1),
    megabytesASecond: rounded((megabytes - 1) / seconds, 1),
    bytes: sumOf(all, 'bytes'),
    faults: faultsOf(all),
    isLineAfterRead,
    cpuShareABadPort: rounded(cpuSeconds / seconds, 3),
    cpuSecondsAMegabyte: rounded(cpuSeconds / (megabytes - 1), 3),
    rssMiB: rounded(gateway.child.rssBytes() / MIB, 0),
    grownMiB: rounded((gateway.child.rssBytes() - rssBefore) / MIB, 0),
  };
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
