// What a fleet would have measured before the run: made up from the same waveforms with the times of then, sent before the first live
// reading, and as much accounted for as anything else.

import type { SenmlRecord } from '../gateway/protocol/messages.ts';
import type { FleetMember } from './fleet.ts';
import { type Interrupt, pause } from './interrupt.ts';
import { bar, grouped, type Progress, rounded } from './progress.ts';
import { measure } from './waveforms.ts';

/** A device that kept hours of readings kept one of each metric a minute. */
const EVERY_MS = 60_000;
/** What is handed over at once; the device client splits it where the gateway's limits are tighter. */
const FRAME_READINGS = 1_000;
/** Frames of a device that wait for their acks: the send buffer has room for them, and the gateway something to do. */
const AHEAD_FRAMES = 4;
/** Without a single ack for so long, those who have not sent theirs go without. */
const QUIET_MS = 15_000;
const LOOK_EVERY_MS = 5;

export interface HistoryAsk {
  /** 0: there is nothing to tell. */
  readonly historyMs: number;
  /** Readings a second of each device, all its metrics together: what measures more rarely than once a minute did so then, too. */
  readonly rateHz: number;
}

export interface HistoryTold {
  readonly history: number;
  /** Devices that did not get to send all of theirs. */
  readonly untold: number;
}

/** Resolves when everything was handed over and acknowledged, an end was asked for, or nothing moves any more. */
export async function tellHistory(
  members: readonly FleetMember[],
  ask: HistoryAsk,
  { progress, interrupt }: { readonly progress: Progress; readonly interrupt: Interrupt },
  nowMs: () => number,
): Promise<HistoryTold> {
  let history = 0;
  let untold = 0;
  if (ask.historyMs === 0 || interrupt.isAsked) return { history, untold };
  const startedMs = performance.now();
  progress.say(`sending history: the last ${durationText(ask.historyMs)}`);
  const pasts = members.map((member, index) => ({ device: member.device, past: createPast(member, index / members.length, ask, nowMs) }));
  const expected = pasts.reduce((sum, { past }) => sum + past.expected, 0);
  let before = -1;
  for (let movedAtMs = performance.now(); performance.now() - movedAtMs <= QUIET_MS && !interrupt.isAsked; ) {
    let unsettled = 0;
    untold = 0;
    for (const { device, past } of pasts) {
      while (!past.isOver() && device.unsettled < AHEAD_FRAMES) {
        const records = past.next();
        device.send(records);
        history += records.length;
      }
      if (!past.isOver()) untold++;
      unsettled += device.unsettled;
    }
    progress.show(`sending history ${bar(history / expected)} ${grouped(history)} of ${grouped(expected)} readings`);
    if (untold === 0 && unsettled === 0) break;
    if (unsettled !== before) movedAtMs = performance.now();
    before = unsettled;
    await pause(LOOK_EVERY_MS, interrupt);
  }
  if (interrupt.isAsked) return { history, untold: 0 };
  progress.say(`history sent: ${grouped(history)} readings in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  if (untold > 0) progress.say(`${grouped(untold)} devices could NOT SEND all of it: no acks came`);
  return { history, untold };
}

interface Past {
  readonly expected: number;
  /** Up to the present, which moves while history is under way. */
  isOver(): boolean;
  /** One measurement at least, unless it is over. */
  next(): SenmlRecord[];
}

/** `phase` in [0, 1): no two devices measure in the same moment. */
function createPast({ waveforms }: FleetMember, phase: number, { historyMs, rateHz }: HistoryAsk, nowMs: () => number): Past {
  const metrics = waveforms.length;
  const everyMs = Math.max(EVERY_MS, rateHz > 0 ? (metrics * 1000) / rateHz : 0);
  let timeMs = nowMs() - historyMs + phase * Math.min(everyMs, historyMs);
  return {
    expected: Math.ceil((nowMs() - timeMs) / everyMs) * metrics,
    isOver: () => timeMs > nowMs(),
    next() {
      const records: SenmlRecord[] = [];
      for (const untilMs = nowMs(); timeMs <= untilMs && records.length + metrics <= FRAME_READINGS; timeMs += everyMs)
        for (const waveform of waveforms) records.push(measure(waveform, timeMs));
      return records;
    },
  };
}

function durationText(ms: number): string {
  if (ms >= 7_200_000) return `${rounded(ms / 3_600_000)} h`;
  return ms >= 120_000 ? `${rounded(ms / 60_000)} min` : `${rounded(ms / 1000)} s`;
}
