// `device-sim serial --speak modbus`: a bus of Modbus RTU slaves on a pseudo-terminal, which a master asks. Its last line, on stdout, is
// what was asked and answered, as JSON.

import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from './failure.ts';
import { listenForInterrupt, pause } from './interrupt.ts';
import type { Io } from './io.ts';
import { chance, seedOf } from './noise.ts';
import { openPseudoTerminal } from './pseudo-terminal.ts';
import { createMadeUpSlave, createRequestReader, type SlavePlan, type SlaveReply } from './serial-modbus-slaves.ts';

export interface ModbusOptions {
  /** Becomes a link to the pseudo-terminal: what a gateway opens. */
  readonly link: string;
  readonly slaves: readonly SlavePlan[];
  readonly seed: string;
  readonly durationMs: number;
  /** The share of answers around which there is noise, and of those that break off. */
  readonly noise: number;
  readonly truncate: number;
  /** So long it is there, so long it is gone, and again. */
  readonly unplug?: { readonly everyMs: number; readonly forMs: number };
}

/** What was asked and answered. An answer is one of these. */
interface ModbusTotals {
  /** To slaves that there are, and to others. */
  requests: number;
  strangers: number;
  outcomes: Record<string, number>;
  /** Right answers, by slave. */
  slaves: Record<string, number>;
  truncated: number;
  noisy: number;
  bytes: number;
  lostBytes: number;
  unplugs: number;
}

const LOOK_EVERY_MS = 2;
const NOISE_BYTES = 12;

export async function speakModbus(options: ModbusOptions, io: Io): Promise<number> {
  const { link, unplug } = options;
  const totals: ModbusTotals = {
    requests: 0,
    strangers: 0,
    outcomes: {},
    slaves: {},
    truncated: 0,
    noisy: 0,
    bytes: 0,
    lostBytes: 0,
    unplugs: 0,
  };
  const slaves = new Map(options.slaves.map((plan) => [plan.slave, createMadeUpSlave(plan, options.seed)]));
  const interrupt = listenForInterrupt(() => {});
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  let terminal = await openPseudoTerminal(link);
  let reader = createRequestReader();
  let unplugAtMs = unplug?.everyMs ?? Number.POSITIVE_INFINITY;
  /** Answers that wait for their time. */
  let late: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];
  const say = (bytes: Uint8Array) => {
    const taken = terminal.offer(bytes);
    totals.bytes += taken;
    totals.lostBytes += bytes.byteLength - taken;
  };
  const answer = (slave: number, { bytes, afterMs, outcome }: SlaveReply) => {
    totals.outcomes[outcome] = (totals.outcomes[outcome] ?? 0) + 1;
    if (outcome === 'answered') totals.slaves[slave] = (totals.slaves[slave] ?? 0) + 1;
    if (bytes.byteLength === 0) return;
    const damaged = onTheWire(bytes, options, totals);
    if (afterMs === 0) say(damaged);
    else late.push({ atMs: elapsedMs() + afterMs, bytes: damaged });
  };
  try {
    io.stderr.write(`${slaves.size} slaves at ${link}\n`);
    while (!interrupt.isAsked && elapsedMs() < options.durationMs) {
      for (const request of reader.push(terminal.receive())) {
        const slave = slaves.get(request.slave);
        if (slave === undefined) totals.strangers++;
        else {
          totals.requests++;
          answer(request.slave, slave.reply(request, Date.now()));
        }
      }
      const nowMs = elapsedMs();
      for (const { atMs, bytes } of late) if (atMs <= nowMs) say(bytes);
      late = late.filter(({ atMs }) => atMs > nowMs);
      if (elapsedMs() >= unplugAtMs) {
        totals.unplugs++;
        await terminal.close();
        await pause(unplug!.forMs, interrupt);
        terminal = await openPseudoTerminal(link);
        reader = createRequestReader();
        late = [];
        unplugAtMs = elapsedMs() + unplug!.everyMs;
      }
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    interrupt.close();
    await terminal.close();
  }
  io.stdout.write(`${JSON.stringify({ command: 'serial', link, seconds: Math.round(elapsedMs()) / 1000, ...totals })}\n`);
  return EXIT.done;
}

/** Noise before or after it, or only a part of it; counted. */
function onTheWire(bytes: Uint8Array, { seed, noise, truncate }: ModbusOptions, totals: ModbusTotals): Uint8Array {
  const own = seedOf(`${seed} ${totals.requests}`);
  if (chance(own, 1) < truncate) {
    totals.truncated++;
    return bytes.subarray(0, 1 + Math.floor(chance(own, 2) * (bytes.byteLength - 1)));
  }
  if (chance(own, 3) >= noise) return bytes;
  totals.noisy++;
  const hum = Uint8Array.from({ length: 1 + Math.floor(chance(own, 4) * NOISE_BYTES) }, (_, i) => Math.floor(chance(own, i + 100) * 256));
  return chance(own, 5) < 0.5 ? Buffer.concat([hum, bytes]) : Buffer.concat([bytes, hum]);
}
