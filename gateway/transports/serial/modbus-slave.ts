// One slave on a bus: how it has been answering, and when it may be asked. One that keeps failing is asked ever more rarely, so that
// the others wait for it as rarely; one request every pause finds out whether it is back.

import type { ModbusSettings } from './modbus-settings.ts';

export type SlaveState =
  /** Not asked yet. */
  | 'new'
  | 'answers'
  /** The last requests failed, too few to give it up. */
  | 'failing'
  /** It is asked now and then. */
  | 'silent';

/** Plain values: they go from thread to thread. Times are epoch ms. */
export interface SlaveStatus {
  readonly slave: number;
  readonly state: SlaveState;
  readonly sinceMs: number;
  readonly requests: number;
  readonly answers: number;
  readonly timeouts: number;
  readonly crcErrors: number;
  readonly exceptions: number;
  /** Every failure by its code: these, and the rarer ones. */
  readonly faults: Readonly<Record<string, number>>;
  /** '' when there was none. */
  readonly lastError: string;
  readonly lastErrorAtMs: number | null;
  readonly lastAnswerAtMs: number | null;
  readonly roundTripMs: number | null;
  /** When a silent one is asked again. */
  readonly nextAskAtMs: number | null;
}

export interface SlaveEvent {
  readonly type: 'slave-silent' | 'slave-answers';
  readonly reason: string;
  readonly detail: { readonly slave: number };
}

export interface SlaveFailure {
  readonly code: string;
  readonly says: string;
  /** The answer may still come until then, as `performance.now` counts. */
  readonly owedUntilMs: number;
}

export interface Slave {
  readonly number: number;
  readonly state: SlaveState;
  /** As `performance.now` counts. */
  readonly mayAskAtMs: number;
  asked(): void;
  answered(roundTripMs: number): SlaveEvent | null;
  /** It answers, and refuses: the bus is not held up by that. */
  refused(code: string, says: string, roundTripMs: number): SlaveEvent | null;
  failed(failure: SlaveFailure): SlaveEvent | null;
  /** It was asked, and the line went away: until then its answer may come. */
  owes(untilMs: number): void;
  /** What it owed has come. */
  paid(): void;
  /** The line was opened: a silent one may be there, too. */
  hasCome(): void;
  status(): SlaveStatus;
}

type Settings = Pick<ModbusSettings, 'silentAfter' | 'pauseSeconds' | 'maxPauseSeconds'>;

export function createSlave(number: number, { silentAfter, pauseSeconds, maxPauseSeconds }: Settings, nowMs: () => number): Slave {
  let state: SlaveState = 'new';
  let sinceMs = nowMs();
  let row = 0;
  let pauseMs = pauseSeconds * 1000;
  let pausedUntilMs = 0;
  let owedUntilMs = 0;
  let requests = 0;
  let answers = 0;
  const faults: Record<string, number> = Object.create(null);
  let lastError = '';
  let lastErrorAtMs: number | null = null;
  let lastAnswerAtMs: number | null = null;
  let roundTripMs: number | null = null;

  function become(next: SlaveState): void {
    if (next !== state) sinceMs = nowMs();
    state = next;
  }
  function alive(tookMs: number): SlaveEvent | null {
    const wasSilent = state === 'silent';
    const silentSeconds = Math.round((nowMs() - sinceMs) / 1000);
    row = 0;
    pauseMs = pauseSeconds * 1000;
    pausedUntilMs = owedUntilMs = 0;
    roundTripMs = Math.round(tookMs * 10) / 10;
    lastAnswerAtMs = nowMs();
    become('answers');
    return wasSilent
      ? { type: 'slave-answers', reason: `slave ${number} answers again after ${silentSeconds} s`, detail: { slave: number } }
      : null;
  }
  function err(code: string, says: string): void {
    faults[code] = (faults[code] ?? 0) + 1;
    lastError = says;
    lastErrorAtMs = nowMs();
  }

  return {
    number,
    get state() {
      return state;
    },
    get mayAskAtMs() {
      return Math.max(pausedUntilMs, owedUntilMs);
    },
    asked() {
      requests++;
    },
    answered(tookMs) {
      answers++;
      return alive(tookMs);
    },
    refused(code, says, tookMs) {
      err(code, says);
      return alive(tookMs);
    },
    failed({ code, says, owedUntilMs: untilMs }) {
      err(code, says);
      row++;
      owedUntilMs = untilMs;
      if (row < silentAfter) {
        become('failing');
        return null;
      }
      const wasSilent = state === 'silent';
      pausedUntilMs = performance.now() + pauseMs;
      pauseMs = Math.min(pauseMs * 2, maxPauseSeconds * 1000);
      become('silent');
      return wasSilent ? null : { type: 'slave-silent', reason: `${row} requests in a row failed; ${says}`, detail: { slave: number } };
    },
    owes(untilMs) {
      owedUntilMs = untilMs;
    },
    paid() {
      owedUntilMs = 0;
    },
    hasCome() {
      pausedUntilMs = 0;
    },
    status: () => ({
      slave: number,
      state,
      sinceMs,
      requests,
      answers,
      timeouts: faults['timeout'] ?? 0,
      crcErrors: faults['bad-crc'] ?? 0,
      exceptions: Object.entries(faults).reduce((sum, [code, n]) => (code.startsWith('exception-') ? sum + n : sum), 0),
      faults: { ...faults },
      lastError,
      lastErrorAtMs,
      lastAnswerAtMs,
      roundTripMs,
      nextAskAtMs: state === 'silent' ? Math.round(nowMs() + Math.max(0, Math.max(pausedUntilMs, owedUntilMs) - performance.now())) : null,
    }),
  };
}
