// `device-sim replay`: one device sends what a file says was measured, with the file's own times, as fast as acks allow.

import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { createSimDevice, type SimDevice } from './device.ts';
import { enrolDevice } from './enrol.ts';
import { EXIT, Failure } from './failure.ts';
import { createFleetStats, type FleetStats, jsonTotals } from './fleet-stats.ts';
import { type Interrupt, listenForInterrupt, pause } from './interrupt.ts';
import type { Io } from './io.ts';
import { bar, createProgress, grouped, msText, rounded } from './progress.ts';
import { checkSource, type ReplayRow, readSource, type SourceCheck, type SourceOptions, withOwnBase } from './replay-source.ts';
import type { Target } from '../gateway/client/target.ts';
import { createTimerWheel } from './timer-wheel.ts';
import { drain, reachVerdict, verdictText } from './verdict.ts';

export interface ReplayOptions {
  readonly target: Target;
  readonly source: SourceOptions;
  /** Times faster than it was measured; Infinity: as fast as acks allow. */
  readonly speed: number;
  readonly isJson: boolean;
  readonly isComparisonWaived: boolean;
  /** One of the two. */
  readonly token?: string;
  readonly enrolKey?: string;
  readonly key?: string;
}

const FRAME_READINGS = 1_000;
/** Frames that are made before acks are waited for: enough to keep the gateway busy, and few enough to stop soon. */
const AHEAD_FRAMES = 64;
/** At a set speed, readings that are due within so long of each other share a frame. */
const TOGETHER_MS = 100;
const BUFFER_BYTES = 64 * 1024 * 1024;
const RETAIN_BYTES = 4 * 1024 * 1024;
const ONLINE_WAIT_MS = 60_000;
const QUIET_MS = 5 * 60_000;
const SHOW_EVERY_MS = 200;

export async function replayFile(options: ReplayOptions, io: Io): Promise<number> {
  const { target, source, isJson, isComparisonWaived } = options;
  const progress = createProgress(io.stderr);
  const interrupt = listenForInterrupt(progress.say);
  const clock = createTimerWheel();
  const api = createApiClient(target, 1);
  const stats = createFleetStats(target);
  let device: SimDevice | undefined;
  let showing: NodeJS.Timeout | undefined;
  try {
    if (options.key === undefined && !isComparisonWaived)
      progress.say(`note: ${verdictText({ isEqual: null, streams: 0, differences: [] }, false)}`);
    const check = await checkSource(source);
    if (check.empty > 0) progress.say(`${grouped(check.empty)} rows hold no value and are left out`);
    if (check.skipped) progress.say(`lines without readings: ${[...check.skipped].map(([why, n]) => `${why} ${grouped(n)}`).join(', ')}`);
    if (check.foreign > 0) progress.say(`${grouped(check.foreign)} rows are of other devices and are left out`);

    const token = options.token ?? (await enrolToken(api, options));
    const pace = createPace();
    device = createSimDevice({
      id: '',
      token,
      target,
      clock,
      stats,
      bufferBytes: BUFFER_BYTES,
      retainBytes: RETAIN_BYTES,
      onProgress: pace.move,
    });
    await api.call('GET', '/v1/info');
    await becomeOnline(device, options, stats, interrupt);

    const startedMs = performance.now();
    const show = () => progress.show(progressLine(stats, check, startedMs));
    showing = setInterval(show, SHOW_EVERY_MS);
    const feed = { device, pace, interrupt, startedMs, speed: options.speed };
    for await (const rows of readSource(source)) {
      await sendRows(rows, feed);
      if (interrupt.isAsked) break;
    }
    const left = await drain({ unsettled: () => device!.unsettled, isHopeless: () => device!.stoppedWhy !== '', onLook: () => {} });
    const seconds = (performance.now() - startedMs) / 1000;
    clearInterval(showing);
    show();
    progress.done();
    const totals = stats.totals();
    device.close();

    const verdict = await reachVerdict({ api, key: options.key, books: device.books(), device: source.device });
    const isWhole = totals.readingsSent === check.readings && left === 0 && totals.framesLost === 0;
    const isGood = isWhole && totals.recordsRefused === 0 && (verdict.isEqual ?? isComparisonWaived);
    if (isJson) {
      const line = {
        command: 'replay',
        file: source.file,
        device: source.device,
        rows: check.readings,
        ...(check.skipped && { skipped: Object.fromEntries(check.skipped) }),
        seconds: rounded(seconds),
        ...jsonTotals(totals),
        unsettled: left,
        ...verdict,
        ok: isGood,
      };
      io.stdout.write(`${JSON.stringify(line)}\n`);
    } else {
      const rate = grouped(totals.readingsAcked / seconds);
      io.stdout.write(
        `${grouped(totals.readingsAcked)} of ${grouped(check.readings)} readings acked in ${seconds.toFixed(1)} s (${rate} a second), ack p99 ${msText(totals.ackP99Ms)}\n`,
      );
      if (totals.recordsRefused > 0) io.stdout.write(`${grouped(totals.recordsRefused)} of them were refused (see /v1/quarantine)\n`);
      io.stdout.write(`${verdictText(verdict, isComparisonWaived)}\n`);
    }
    return isGood ? EXIT.done : EXIT.failed;
  } finally {
    clearInterval(showing);
    device?.close();
    progress.done();
    interrupt.close();
    clock.close();
    api.close();
  }
}

async function enrolToken(api: ApiClient, { enrolKey, source }: ReplayOptions): Promise<string> {
  return enrolDevice(api, enrolKey!, source.device);
}

async function becomeOnline(device: SimDevice, { source }: ReplayOptions, stats: FleetStats, interrupt: Interrupt): Promise<void> {
  device.start();
  const startedMs = performance.now();
  while (!device.isOnline && !interrupt.isAsked) {
    if (device.stoppedWhy !== '') throw new Failure(`the gateway did not take the token of ${source.device} (unknown, revoked or expired)`);
    if (performance.now() - startedMs > ONLINE_WAIT_MS)
      throw new Failure(stats.totals().lastFault || 'the gateway did not let the device in');
    await pause(20, interrupt);
  }
  if (device.isOnline && device.id !== source.device)
    throw new Failure(`the token belongs to ${device.id}, not to ${source.device}: nothing was sent`);
}

/** Wakes who waits for acks. */
interface Pace {
  move(): void;
  moved(): Promise<boolean>;
}

function createPace(): Pace {
  let tell: ((isMoved: boolean) => void) | null = null;
  return {
    move() {
      tell?.(true);
      tell = null;
    },
    /** Resolves with false when nothing moved for long. */
    moved: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), QUIET_MS);
        tell = (isMoved) => {
          clearTimeout(timer);
          resolve(isMoved);
        };
      }),
  };
}

interface Feed {
  readonly device: SimDevice;
  readonly pace: Pace;
  readonly interrupt: Interrupt;
  readonly startedMs: number;
  readonly speed: number;
  /** The time of the first reading, which is due at once. */
  firstUs?: number;
}

async function sendRows(rows: readonly ReplayRow[], feed: Feed): Promise<void> {
  let records: SenmlRecord[] = [];
  let frameDueMs = 0;
  const flush = async () => {
    if (records.length > 0) await sendFrame(records, feed);
    records = [];
  };
  for (const { timeUs, record } of rows) {
    if (feed.speed !== Number.POSITIVE_INFINITY) {
      feed.firstUs ??= timeUs;
      const dueMs = feed.startedMs + (timeUs - feed.firstUs) / 1000 / feed.speed;
      if (records.length === 0) frameDueMs = dueMs;
      else if (Math.abs(dueMs - frameDueMs) > TOGETHER_MS) {
        await flush();
        frameDueMs = dueMs;
      }
      // Readings that go back in time are overdue: they follow at once, in the order of the file.
      const waitMs = dueMs - performance.now();
      if (waitMs > 0 && records.length === 0) await pause(waitMs, feed.interrupt);
    }
    if (feed.interrupt.isAsked) return;
    records.push(record);
    if (records.length === FRAME_READINGS) await flush();
  }
  await flush();
}

async function sendFrame(records: readonly SenmlRecord[], { device, pace, interrupt }: Feed): Promise<void> {
  device.send(withOwnBase(records));
  while (device.unsettled >= AHEAD_FRAMES && !interrupt.isAsked) {
    if (device.stoppedWhy !== '') throw new Failure(`the gateway ended it: ${device.stoppedWhy}`);
    const isMoved = await Promise.race([pace.moved(), interrupt.asked.then(() => true)]);
    if (!isMoved) throw new Failure(`no ack for ${QUIET_MS / 60_000} minutes`);
  }
}

function progressLine(stats: FleetStats, check: SourceCheck, startedMs: number): string {
  const { readingsAcked } = stats.totals();
  const share = readingsAcked / check.readings;
  const perSecond = readingsAcked / Math.max(0.001, (performance.now() - startedMs) / 1000);
  return `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %  ${grouped(readingsAcked)} of ${grouped(check.readings)} acked  ${grouped(perSecond)}/s`;
}
