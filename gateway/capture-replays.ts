// Replays that run in the gateway: a capture in, its readings into the store under a stream of their own, and news of how far it is.

import { openSpool } from './capture-spool.ts';
import type { SerialRefusal } from './api/api-deps.ts';
import type { CaptureBook, ReplayQuestion } from './api/capture-book.ts';
import type { Observe } from './observe.ts';
import { CaptureProblem, type CaptureHeader, openCapture } from './protocol/capture-format.ts';
import type { EventType } from './protocol/event-types.ts';
import type { ReplayNews, SerialPortView } from './protocol/rest.ts';
import { createReplay, type Replay } from './transports/serial/capture-replay.ts';
import type { PortFrame } from './transports/serial/port-frames.ts';
import { heardSettings, type SerialLimits, type SerialPortSettings } from './transports/serial/port-settings.ts';
import { OPEN } from './transports/serial/port-state.ts';
import { viewOf } from './transports/serial/port-views.ts';

export interface CaptureReplays {
  readonly start: CaptureBook['replay'];
  /** Those that run, as ports among the others. */
  views(): readonly SerialPortView[];
  /** Ends them all; resolves when what they read is on disk. Idempotent. */
  stop(): Promise<void>;
}

export interface CaptureReplaysOptions {
  /** Of the volume's: captures are kept there while they run. */
  readonly folder: string;
  readonly limits: SerialLimits & { readonly serialCaptureBytes: number };
  readonly observe: Observe;
  readonly nowUs: () => number;
  roomBytes(): Promise<number>;
  statusOf(device: string): 'active' | 'suspended' | undefined;
  /** The settings of the port with this id. */
  settingsOf(port: string): SerialPortSettings | undefined;
  /** Settings as somebody sent them, checked; or what is wrong with them. */
  check(raw: unknown): SerialPortSettings | SerialRefusal;
  /** `refused` hears of every frame and record that goes to quarantine. */
  store(device: string, frames: readonly PortFrame[], refused: (code: string) => unknown): Promise<boolean>;
  recordEvent(event: { device: string; type: EventType; reason: string; detail: object }): void;
}

/** Each waits for commits, and takes a share of the one thread. */
const AT_ONCE = 2;
const NEWS_MS = 1000;
/** What a port must have, and a capture need not: nothing is opened. */
const NO_PORT = { path: '/capture', baudRate: 9600 };

const BUS: SerialRefusal = {
  refused: 'bad-capture',
  detail: 'A Modbus bus is asked, and answers cannot be read without what was asked: it is not replayed.',
};

interface Running {
  readonly view: () => SerialPortView;
  readonly stop: () => void;
  readonly over: Promise<void>;
}

export function createCaptureReplays(options: CaptureReplaysOptions): CaptureReplays {
  const { folder, limits, observe, nowUs, roomBytes } = options;
  const running = new Set<Running>();
  let begun = 0;
  let starting = 0;
  let isStopped = false;

  async function start(question: ReplayQuestion, body: AsyncIterable<Uint8Array>, actor: string) {
    const status = options.statusOf(question.device);
    if (status === undefined) return { refused: 'not-found', detail: `there is no device ${question.device}` };
    if (status === 'suspended') return { refused: 'suspended' };
    if (isStopped) return { refused: 'draining' };
    if (running.size + starting >= AT_ONCE) return { refused: 'busy', detail: `${AT_ONCE} captures are being replayed` };
    starting++;
    try {
      return await open(question, body, actor);
    } finally {
      starting--;
    }
  }

  async function open(question: ReplayQuestion, body: AsyncIterable<Uint8Array>, actor: string) {
    await using undo = new AsyncDisposableStack();
    const spool = await openSpool(body, { folder, maxBytes: limits.serialCaptureBytes, roomBytes });
    if ('refused' in spool) return spool;
    undo.use(spool);
    const capture = await openCapture(spool.read()).catch((error: unknown) => {
      if (error instanceof CaptureProblem) return { refused: 'bad-capture', detail: error.message };
      throw error;
    });
    if ('refused' in capture) return capture;
    const settings = settingsFor(question, capture.header);
    if ('refused' in settings) return settings;
    const heard = heardSettings(settings);
    if (heard === null) return BUS;
    if (isStopped) return { refused: 'draining' };
    const leaving = new AbortController();
    const refused: Record<string, number> = {};
    const replay = createReplay({
      capture,
      order: { ...heard, speed: question.speed, times: question.times },
      limits,
      nowUs,
      signal: leaving.signal,
      async store(frames) {
        // as a port's device: what a suspended one says is not stored
        if (options.statusOf(question.device) !== 'active') leaving.abort();
        leaving.signal.throwIfAborted();
        const codes: string[] = [];
        const isStored = await options.store(question.device, frames, (code) => codes.push(code));
        if (isStored) for (const code of codes) refused[code] = (refused[code] ?? 0) + 1;
        return isStored;
      },
    });
    return run({ question, settings, capture: capture.header, replay, refused, leaving, actor, kept: undo.move() });
  }

  function settingsFor(
    { device, port, framing, rule }: ReplayQuestion,
    { port: captured }: CaptureHeader,
  ): SerialPortSettings | SerialRefusal {
    if (port !== null) return options.settingsOf(port) ?? { refused: 'not-found', detail: `there is no serial port ${port} here` };
    const named = { framing: framing ?? captured['framing'], rule: rule ?? captured['rule'] };
    if (isBus(named.framing)) return BUS;
    if (named.rule === undefined)
      return { refused: 'bad-capture', detail: 'the capture names no rule: name one, or a port whose rule is meant' };
    return options.check({
      ...NO_PORT,
      ...lineOf(captured),
      device,
      ...(named.framing !== undefined && { framing: named.framing }),
      rule: named.rule,
    });
  }

  interface Run {
    readonly question: ReplayQuestion;
    readonly settings: SerialPortSettings;
    readonly capture: CaptureHeader;
    readonly replay: Replay;
    readonly refused: Readonly<Record<string, number>>;
    readonly leaving: AbortController;
    readonly actor: string;
    readonly kept: AsyncDisposable;
  }

  function run({ question, settings, capture, replay, refused, leaving, actor, kept }: Run): ReadableStream<Uint8Array> {
    const { device, speed, times } = question;
    const id = `replay-${++begun}`;
    const sinceMs = nowUs() / 1000;
    const news = (type: ReplayNews['type'], outcome: ReplayNews['outcome']): ReplayNews => {
      const { counts, passedMs, leftOutBytes, hangUps } = replay.state();
      const { bytes, frames, readings, skipped, faults } = counts;
      return {
        type,
        outcome,
        passedMs,
        bytes,
        frames,
        readings,
        skipped: { ...skipped },
        faults: { ...faults },
        refused: { ...refused },
        leftOutBytes,
        hangUps,
      };
    };
    const say = (reason: string, detail: object): void => options.recordEvent({ device, type: 'serial-replay', reason, detail });
    const encoder = new TextEncoder();
    const line = (one: ReplayNews): Uint8Array => encoder.encode(`${JSON.stringify(one)}\n`);
    const { promise: over, resolve: isOver } = Promise.withResolvers<void>();
    const own: Running = {
      over,
      stop: () => leaving.abort(),
      view() {
        const { counts, seen } = replay.state();
        const framesPerSecond = counts.frames / Math.max(1, (nowUs() / 1000 - sinceMs) / 1000);
        const status = { condition: OPEN, sinceMs, framesPerSecond, counts, seen, slaves: [] };
        return viewOf({ id, origin: 'replay', settings: { ...settings, device }, status });
      },
    };
    running.add(own);
    say('begun', {
      captured: capture.startedAt,
      path: settings.path,
      speed: speed === Number.POSITIVE_INFINITY ? 'max' : speed,
      times,
      by: actor,
    });

    async function work(): Promise<ReplayNews> {
      try {
        return news('ended', await replay.run());
      } catch (error) {
        if (leaving.signal.aborted) return news('stopped', null);
        observe.log.error({ err: error, device }, 'A replay broke off');
        return news('failed', null);
      }
    }

    let timer: NodeJS.Timeout | undefined;
    let hasLeft = false;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(line(news('progress', null)));
        }, NEWS_MS);
        void work().then(async (last) => {
          clearInterval(timer);
          running.delete(own);
          const { type, ...facts } = last;
          say(type, facts);
          await kept[Symbol.asyncDispose]();
          isOver();
          // a client that left has closed it
          if (!hasLeft) {
            controller.enqueue(line(last));
            controller.close();
          }
        });
      },
      cancel() {
        hasLeft = true;
        clearInterval(timer);
        leaving.abort();
      },
    });
  }

  return {
    start,
    views: () => Array.from(running, (one) => one.view()),
    async stop() {
      isStopped = true;
      for (const one of running) one.stop();
      await Promise.all(Array.from(running, (one) => one.over));
    },
  };
}

function isBus(framing: unknown): boolean {
  const kind = typeof framing === 'object' && framing !== null ? (framing as { kind?: unknown }).kind : framing;
  return kind === 'modbus-rtu';
}

/** For people alone; what is not a path or a speed does not matter. */
function lineOf({ path, baudRate }: Readonly<Record<string, unknown>>): object {
  const isPath = typeof path === 'string' && /^\/[\x21-\x7e]{1,255}$/.test(path);
  const isSpeed = typeof baudRate === 'number' && Number.isInteger(baudRate) && baudRate >= 50 && baudRate <= 4_000_000;
  return { ...(isPath && { path }), ...(isSpeed && { baudRate }) };
}
