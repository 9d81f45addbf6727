// A thread that speaks on serial lines as wires do: so many bytes a second on each, due at their time whatever anybody does. A byte that
// finds no room when it is due is lost. Lines are numbered, so that each is another reading; noise is what a wrong speed makes of them.

import { randomBytes } from 'node:crypto';
import { constants, openSync, closeSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

export interface FeederOrder {
  /** The sensors' ends of the lines. */
  readonly sensorPaths: readonly string[];
  /** On each of them: a tenth of the baud rate. */
  readonly bytesPerSecond: number;
  readonly seconds: number;
  /** Lines, when left out. */
  readonly says?: 'lines' | 'noise';
}
export interface FeederReport {
  /** Over all lines. */
  readonly bytes: number;
  readonly lines: number;
  readonly lostBytes: number;
  /** How long the feeder itself was not let run: for that time its sensors kept quiet, because a wire does not catch up in a burst. */
  readonly heldUpMs: number;
}

const TICK_MS = 4;
/** A tick may be so late; what is more is the machine's, and the sensors' clock stands still for it. */
const LATE_MS = 25;
/** Of the usual size of a sentence: `n,value` and a serial number that nobody stores. */
const LINE_BYTES = 48;

const { sensorPaths, bytesPerSecond, seconds, says = 'lines' } = workerData as FeederOrder;
const sensors = sensorPaths.map((path) => openSync(path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK));
const linesDue = Math.floor((bytesPerSecond * seconds) / LINE_BYTES);
let said = 0;
let lostBytes = 0;
let spokenMs = 0;
let heldUpMs = 0;
let tickedMs = performance.now();

function tick(): void {
  const nowMs = performance.now();
  const passedMs = Math.min(nowMs - tickedMs, LATE_MS);
  heldUpMs += nowMs - tickedMs - passedMs;
  spokenMs += passedMs;
  tickedMs = nowMs;
  const due = Math.min(linesDue, Math.floor(((spokenMs / 1000) * bytesPerSecond) / LINE_BYTES));
  if (due > said) {
    const bytes = says === 'noise' ? randomBytes((due - said) * LINE_BYTES) : Buffer.from(linesTo(due));
    said = due;
    for (const sensor of sensors) lostBytes += bytes.byteLength - taken(sensor, bytes);
  }
  if (said < linesDue) {
    setTimeout(tick, TICK_MS);
    return;
  }
  for (const sensor of sensors) closeSync(sensor);
  parentPort!.postMessage({
    bytes: linesDue * LINE_BYTES * sensors.length,
    lines: linesDue * sensors.length,
    lostBytes,
    heldUpMs,
  } satisfies FeederReport);
}

function linesTo(due: number): string {
  let text = '';
  for (let n = said; n < due; n++) text += `${`${n},${(n % 1000) / 8},`.padEnd(LINE_BYTES - 1, '0')}\n`;
  return text;
}

function taken(sensor: number, bytes: Uint8Array): number {
  try {
    return writeSync(sensor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

tick();
