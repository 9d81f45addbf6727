// Whose turn it is on a bus: every request when it is due, unless its slave is left alone. Whoever has waited longest comes first, so
// that nobody starves on a bus that is asked for too much. Times are as `performance.now` counts.

import { ANSWER_HEAD_BYTES, answerDataBytes, CRC_BYTES, encodeReadRequest } from './framing-modbus.ts';
import { type PlannedRequest, planRequests } from './modbus-plan.ts';
import type { ModbusSettings } from './modbus-settings.ts';
import { createSlave, type Slave } from './modbus-slave.ts';

/** One of the requests that are sent again and again. */
export interface Turn {
  readonly plan: PlannedRequest;
  readonly slave: Slave;
  readonly bytes: Uint8Array;
  readonly answerBytes: number;
  /** How often it has failed since it was due. */
  failures: number;
  dueAtMs: number;
}

export interface Turns {
  readonly slaves: readonly Slave[];
  /** The next one, and when it may be. */
  next(): { readonly turn: Turn; readonly atMs: number };
  /** All are due then. */
  begin(atMs: number): void;
  /** It is due again in its time. Says how many turns there was no time for: they are left out. */
  over(turn: Turn): number;
}

export function createTurns(settings: ModbusSettings, nowMs: () => number): Turns {
  const slaves = new Map<number, Slave>();
  const turns: Turn[] = planRequests(settings.groups).map((plan) => {
    const slave = slaves.get(plan.slave) ?? createSlave(plan.slave, settings, nowMs);
    slaves.set(plan.slave, slave);
    const answerBytes = ANSWER_HEAD_BYTES + answerDataBytes(plan) + CRC_BYTES;
    return { plan, slave, bytes: encodeReadRequest(plan), answerBytes, failures: 0, dueAtMs: 0 };
  });
  const soonest = ({ dueAtMs, slave }: Turn): number => Math.max(dueAtMs, slave.mayAskAtMs);

  return {
    slaves: [...slaves.values()],
    next() {
      const turn = turns.reduce((first, one) => (soonest(one) < soonest(first) ? one : first));
      return { turn, atMs: soonest(turn) };
    },
    begin(atMs) {
      for (const turn of turns) {
        turn.dueAtMs = atMs;
        turn.failures = 0;
      }
      for (const slave of slaves.values()) slave.hasCome();
    },
    over(turn) {
      const { everyMs } = turn.plan;
      const missed = Math.max(0, Math.floor((performance.now() - turn.dueAtMs) / everyMs));
      turn.failures = 0;
      turn.dueAtMs += (missed + 1) * everyMs;
      // who was left alone is no sign of a bus that is asked for too much
      return turn.slave.state === 'answers' ? missed : 0;
    },
  };
}

/** For people: `slave 3, holding-registers 0 to 9`. */
export function inWords({ plan: { slave, function: name, address, count } }: Turn): string {
  return `slave ${slave}, ${name} ${count === 1 ? address : `${address} to ${address + count - 1}`}`;
}
