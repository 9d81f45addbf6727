// `device-sim run`: a fleet that measures for a while, and then has to agree with the gateway about every single frame.

import { createApiClient } from './api-client.ts';
import { createSimDevice, SOFTWARE } from './device.ts';
import { ENROL_AT_ONCE, enrolFleet } from './enrol.ts';
import { EXIT, Failure } from './failure.ts';
import { createFleet, type Fleet, type FleetMember } from './fleet.ts';
import { createFleetStats, type FleetStats, type FleetTotals, jsonTotals } from './fleet-stats.ts';
import { tellHistory } from './history.ts';
import { type Interrupt, listenForInterrupt, pause } from './interrupt.ts';
import type { Io } from './io.ts';
import { type Manifest, openManifest } from './manifest.ts';
import { createProgress, grouped, msText, type Progress, rounded } from './progress.ts';
import type { Target } from '../gateway/client/target.ts';
import { createTimerWheel } from './timer-wheel.ts';
import { drain, reachVerdict, verdictText } from './verdict.ts';
import { createWaveforms, type MetricName } from './waveforms.ts';

export interface RunOptions {
  readonly target: Target;
  readonly devices: number;
  readonly rateHz: number;
  /** Infinity: until Ctrl-C. */
  readonly durationMs: number;
  /** How far back the devices have something to tell when they come; 0: nothing. */
  readonly historyMs: number;
  readonly seed: string;
  readonly metrics: readonly MetricName[];
  /** Where it is written down what is sent and answered. */
  readonly manifest?: string;
  readonly isJson: boolean;
  readonly isComparisonWaived: boolean;
  /** Ends when standard input does. */
  readonly untilStdinEnds: boolean;
  /** One of the three. */
  readonly members?: readonly { readonly id: string; readonly token: string }[];
  readonly token?: string;
  readonly enrolKey?: string;
  readonly key?: string;
}

/** An hour of readings at one a second; settled frames are kept for a gateway that was restored from a backup just now. */
const BUFFER_BYTES = 512 * 1024;
const RETAIN_BYTES = 8 * 1024;
/** How long devices that cannot connect hold up the beginning. */
const ONLINE_WAIT_MS = 15_000;
const SHOW_EVERY_MS = 500;

export async function runFleet(options: RunOptions, io: Io): Promise<number> {
  const { target, isJson, isComparisonWaived } = options;
  const progress = createProgress(io.stderr);
  const interrupt = listenForInterrupt(progress.say, options.untilStdinEnds);
  const clock = createTimerWheel();
  const api = createApiClient(target, ENROL_AT_ONCE);
  const stats = createFleetStats(target);
  let fleet: Fleet | undefined;
  let manifest: Manifest | undefined;
  try {
    if (options.key === undefined && !isComparisonWaived)
      progress.say(`note: ${verdictText({ isEqual: null, streams: 0, differences: [] }, false)}`);
    // Whether the gateway is there and can be trusted shows here, once, rather than in every device.
    await api.call('GET', '/v1/info');
    const ids = options.members?.map(({ id }) => id) ?? (options.token === undefined ? deviceIds(options.devices) : ['']);
    if (options.manifest !== undefined) manifest = openManifest(options.manifest, { software: SOFTWARE, seed: options.seed });
    const known = options.members?.map(({ token }) => token) ?? (options.token === undefined ? undefined : [options.token]);
    const tokens = known ?? (await enrol(ids, options.enrolKey!, api, progress));
    const members = ids.map((id, index) => ({
      device: createSimDevice({
        id,
        token: tokens[index]!,
        target,
        clock,
        stats,
        bufferBytes: BUFFER_BYTES,
        retainBytes: RETAIN_BYTES,
        manifest,
      }),
      waveforms: createWaveforms(options.seed, id, options.metrics),
    }));
    const devices = members.map((member) => member.device);
    fleet = createFleet(members);
    const { startedMs, history, untold } = await simulate(fleet, members, options, { stats, progress, interrupt });

    const left = await drain({
      unsettled: () => fleet!.unsettled,
      isHopeless: () => devices.every((device) => device.stoppedWhy !== '' || device.unsettled === 0),
      onLook: (unsettled) => progress.show(`${stateLine(stats, devices.length)} · waiting for ${grouped(unsettled)} acks`),
    });
    progress.done();
    const measuredS = (performance.now() - startedMs) / 1000;
    const totals = stats.totals();
    fleet.close();

    const books = devices.flatMap((device) => device.books());
    const verdict = await reachVerdict({ api, key: options.key, books, device: options.token === undefined ? undefined : devices[0]!.id });
    const wereOnline = devices.filter((one) => one.wasOnline).length;
    const isGood = left === 0 && untold === 0 && wereOnline === devices.length && (verdict.isEqual ?? isComparisonWaived);
    if (isJson) {
      const { seed, rateHz } = options;
      const line = {
        command: 'run',
        devices: devices.length,
        rateHz,
        seed,
        seconds: rounded(measuredS),
        ...jsonTotals(totals),
        historyReadings: history,
        wereOnline,
        unsettled: left,
        ...verdict,
        ok: isGood,
      };
      io.stdout.write(`${JSON.stringify(line)}\n`);
    } else {
      io.stdout.write(
        `${summary(totals, { devices: devices.length, wereOnline, seconds: measuredS, history, untold, unsettled: left })}\n${verdictText(verdict, isComparisonWaived)}\n`,
      );
    }
    return isGood ? EXIT.done : EXIT.failed;
  } finally {
    fleet?.close();
    manifest?.close();
    progress.done();
    interrupt.close();
    clock.close();
    api.close();
  }
}

/** sim-0001, sim-0002, …; longer numbers where there are more. */
export function deviceIds(count: number): string[] {
  const digits = Math.max(4, String(count).length);
  return Array.from({ length: count }, (_, index) => `sim-${String(index + 1).padStart(digits, '0')}`);
}

async function enrol(ids: readonly string[], key: string, api: ReturnType<typeof createApiClient>, progress: Progress): Promise<string[]> {
  const tokens = await enrolFleet({
    api,
    key,
    ids,
    onProgress: (done) => progress.show(`enrolling ${grouped(done)} of ${grouped(ids.length)} devices`),
  });
  progress.done();
  return tokens;
}

interface Watch {
  readonly stats: FleetStats;
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

interface Simulated {
  /** When live measuring began. */
  readonly startedMs: number;
  /** Readings of the time before. */
  readonly history: number;
  /** Devices that did not get to send theirs. */
  readonly untold: number;
}

/** Connects, tells what was, measures for the duration and stops. */
async function simulate(fleet: Fleet, members: readonly FleetMember[], options: RunOptions, watch: Watch): Promise<Simulated> {
  const { stats, progress, interrupt } = watch;
  const devices = members.map((member) => member.device);
  let isLive = true;
  const showing = setInterval(() => isLive && progress.show(stateLine(stats, devices.length)), SHOW_EVERY_MS);
  try {
    await Promise.race([fleet.connect(), interrupt.asked]);
    const connectedAtMs = performance.now();
    while (!interrupt.isAsked && stats.totals().online < devices.length && performance.now() - connectedAtMs < ONLINE_WAIT_MS) {
      if (devices.every((device) => device.stoppedWhy !== ''))
        throw new Failure(`no device may connect: ${stoppedText(devices[0]!.stoppedWhy)}`);
      await pause(50, interrupt);
    }
    const { online, lastFault } = stats.totals();
    if (online === devices.length) progress.say(`${grouped(online)} ${online === 1 ? 'device is' : 'devices are'} online`);
    else if (!interrupt.isAsked) {
      const why = lastFault === '' ? '' : ` (${lastFault})`;
      progress.say(`${devices.length - online} of ${devices.length} devices are not online yet; beginning all the same${why}`);
    }
    isLive = false;
    const told = await tellHistory(members, options, watch, Date.now);
    isLive = true;
    const startedMs = performance.now();
    fleet.produce(options.rateHz);
    await (options.durationMs === Number.POSITIVE_INFINITY ? interrupt.asked : pause(options.durationMs, interrupt));
    fleet.stopProducing();
    return { startedMs, ...told };
  } finally {
    clearInterval(showing);
  }
}

function stoppedText(why: string): string {
  return why === 'credential' ? 'the gateway did not take the token (unknown, revoked or expired)' : why;
}

function stateLine(stats: FleetStats, devices: number): string {
  const totals = stats.totals();
  const { p50Ms, p99Ms } = stats.recent();
  const acks = `ack p50 ${msText(p50Ms)} p99 ${msText(p99Ms)}`;
  return `${grouped(totals.online)}/${grouped(devices)} online · sent ${grouped(totals.readingsSent)} · acked ${grouped(totals.readingsAcked)} · ${acks}`;
}

interface Outcome {
  readonly devices: number;
  readonly wereOnline: number;
  readonly seconds: number;
  readonly history: number;
  readonly untold: number;
  readonly unsettled: number;
}

function summary(totals: FleetTotals, { devices, wereOnline, seconds, history, untold, unsettled }: Outcome): string {
  const lines = [
    `${grouped(devices)} devices, ${seconds.toFixed(1)} s: ${grouped(totals.readingsAcked)} of ${grouped(totals.readingsSent)} readings acked in ${grouped(totals.framesAcked)} frames, ack p50 ${msText(totals.ackP50Ms)}, p99 ${msText(totals.ackP99Ms)}`,
  ];
  if (history > 0) lines.push(`${grouped(history)} of them were history`);
  if (untold > 0) lines.push(`${grouped(untold)} devices could NOT SEND all of their history`);
  if (wereOnline < devices)
    lines.push(`${grouped(devices - wereOnline)} devices were NEVER ONLINE${totals.lastFault ? `: ${totals.lastFault}` : ''}`);
  if (unsettled > 0) lines.push(`${grouped(unsettled)} frames were NOT ACKED${totals.lastFault ? `: ${totals.lastFault}` : ''}`);
  if (totals.framesLost > 0) lines.push(`${grouped(totals.framesLost)} frames were lost in full buffers and declared as gaps`);
  if (totals.recordsRefused > 0) lines.push(`${grouped(totals.recordsRefused)} records were refused (see /v1/quarantine)`);
  const ends = Object.entries(totals.ends).map(([why, count]) => `${why} ${count}`);
  if (ends.length > 0) lines.push(`connections that ended: ${ends.join(', ')}`);
  return lines.join('\n');
}
