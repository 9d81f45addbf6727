// `device-sim serial`: a sensor on a pseudo-terminal that says made-up or recorded frames, with the faults that a cable has. Its last line,
// on stdout, is what it said, as JSON.

import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from './failure.ts';
import { type Interrupt, listenForInterrupt, pause } from './interrupt.ts';
import type { Io } from './io.ts';
import { chance, seedOf } from './noise.ts';
import { openPseudoTerminal, type PseudoTerminal } from './pseudo-terminal.ts';
import { readLog } from './serial-log.ts';
import { createSpeech, type Speech, type SpeechName, TEXT, type Utterance } from './serial-speech.ts';

export interface SerialOptions {
  /** Becomes a link to the pseudo-terminal: what a gateway opens. */
  readonly link: string;
  readonly source: { readonly speak: SpeechName; readonly rateHz: number } | { readonly file: string; readonly speed: number };
  readonly seed: string;
  readonly durationMs: number;
  /** The share of frames with a spoiled byte, and of those whose content breaks off. */
  readonly noise: number;
  readonly truncate: number;
  /** What is said arrives as a reader at another baud rate gets it: all of it other bytes. */
  readonly isWrongBaud: boolean;
  /** So long it is there, so long it is gone, and again. */
  readonly unplug?: { readonly everyMs: number; readonly forMs: number };
}

/** What was said. A frame is intact, or it is one of spoiled, truncated, cut. */
interface SerialTotals {
  frames: number;
  intact: number;
  /** Of the intact ones, by kind. */
  kinds: Record<string, number>;
  spoiled: number;
  truncated: number;
  /** Left unfinished by an unplugging, or by a line that was full: nobody read it. */
  cut: number;
  /** Bytes that the line took, and that it had no room for. */
  bytes: number;
  lostBytes: number;
  unplugs: number;
}

interface Line {
  readonly terminal: PseudoTerminal;
  readonly unplugAtMs: number;
}

/** One frame with when it is due, in ms since the beginning. */
interface Due extends Utterance {
  readonly dueMs: number;
}

const ROOM_EVERY_MS = 2;
/** What is under way when a line hangs up is gone: so long a reader has to take it before. */
const LINGER_MS = 300;

export async function speakSerial(options: SerialOptions, io: Io): Promise<number> {
  const { link, source, unplug } = options;
  const totals: SerialTotals = { frames: 0, intact: 0, kinds: {}, spoiled: 0, truncated: 0, cut: 0, bytes: 0, lostBytes: 0, unplugs: 0 };
  const interrupt = listenForInterrupt(() => {});
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const plugIn = async (): Promise<Line> => {
    const terminal = await openPseudoTerminal(link);
    return { terminal, unplugAtMs: unplug ? elapsedMs() + unplug.everyMs : Number.POSITIVE_INFINITY };
  };
  let line = await plugIn();
  try {
    io.stderr.write(`speaking at ${link}\n`);
    const isRecorded = 'file' in source;
    const speech = isRecorded ? null : createSpeech(source.speak, options.seed);
    const wires: Pick<Speech, 'wrap' | 'spoil'> = speech ?? TEXT;
    const frames = isRecorded ? recorded(source.file, source.speed) : madeUp(speech!, source.rateHz);
    // A recording is to arrive whole: it waits for room. Who makes things up speaks as a wire does, to whoever listens.
    const say = isRecorded ? sayWhole : sayAtOnce;
    let awayMs = 0;
    for await (const frame of frames) {
      const waitMs = Math.min(frame.dueMs + awayMs, options.durationMs) - elapsedMs();
      if (waitMs > 0) await pause(waitMs, interrupt);
      if (interrupt.isAsked || elapsedMs() >= options.durationMs) break;
      const { bytes, damage } = onTheWire(frame.content, wires, options, totals.frames);
      const isLast = elapsedMs() >= line.unplugAtMs;
      if (isLast) await sleep(LINGER_MS);
      // the plug is pulled in the middle of a frame
      const taken = await say(line.terminal, isLast ? bytes.subarray(0, bytes.byteLength >> 1) : bytes, interrupt);
      totals.frames++;
      totals.bytes += taken;
      totals.lostBytes += bytes.byteLength - taken;
      if (taken < bytes.byteLength) totals.cut++;
      else if (damage !== null) totals[damage]++;
      else {
        totals.intact++;
        totals.kinds[frame.kind] = (totals.kinds[frame.kind] ?? 0) + 1;
      }
      if (isLast) {
        const unpluggedAtMs = elapsedMs();
        totals.unplugs++;
        await line.terminal.close();
        await pause(unplug!.forMs, interrupt);
        line = await plugIn();
        awayMs += elapsedMs() - unpluggedAtMs;
      }
    }
    await sleep(LINGER_MS);
  } finally {
    interrupt.close();
    await line.terminal.close();
  }
  io.stdout.write(`${JSON.stringify({ command: 'serial', link, seconds: Math.round(elapsedMs()) / 1000, ...totals })}\n`);
  return EXIT.done;
}

async function* recorded(file: string, speed: number): AsyncGenerator<Due> {
  for await (const line of readLog(file)) yield { ...line, dueMs: line.dueMs / speed };
}

async function* madeUp(speech: Speech, rateHz: number): AsyncGenerator<Due> {
  for (let n = 0; ; n++) yield { ...speech.utter(n, Date.now()), dueMs: (n * 1000) / rateHz };
}

function onTheWire(
  content: Uint8Array,
  { wrap, spoil }: Pick<Speech, 'wrap' | 'spoil'>,
  { seed, noise, truncate, isWrongBaud }: SerialOptions,
  n: number,
): { readonly bytes: Uint8Array; readonly damage: 'spoiled' | 'truncated' | null } {
  const own = seedOf(`${seed} ${n}`);
  if (isWrongBaud) return { bytes: wrap(content).map((_, i) => Math.floor(chance(own, i + 100) * 256)), damage: 'spoiled' };
  if (chance(own, 10) < noise) return { bytes: wrap(spoil(content, own)), damage: 'spoiled' };
  if (chance(own, 11) < truncate)
    return { bytes: wrap(content.subarray(0, Math.floor(chance(own, 12) * content.byteLength))), damage: 'truncated' };
  return { bytes: wrap(content), damage: null };
}

async function sayAtOnce(terminal: PseudoTerminal, bytes: Uint8Array): Promise<number> {
  return terminal.offer(bytes);
}

async function sayWhole(terminal: PseudoTerminal, bytes: Uint8Array, interrupt: Interrupt): Promise<number> {
  let taken = terminal.offer(bytes);
  while (taken < bytes.byteLength && !interrupt.isAsked) {
    await pause(ROOM_EVERY_MS, interrupt);
    taken += terminal.offer(bytes.subarray(taken));
  }
  return taken;
}
