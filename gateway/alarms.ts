// What is wrong with the gateway itself at this moment, in one place: each source is asked once a second what is wrong now, and what it
// names no more is over. What nobody else tells of is logged and put on record here.

import type { Observe } from './observe.ts';
import { ALARM_NAMES, type AlarmName, type EventType } from './protocol/event-types.ts';
import type { AlarmView } from './protocol/rest.ts';

export interface AlarmState {
  readonly name: AlarmName;
  readonly severity: AlarmView['severity'];
  /** What is wrong and what mends it. */
  readonly message: string;
  readonly device?: string;
  /** The id of a serial port. */
  readonly port?: string;
}
export type AlarmSource = () => Iterable<AlarmState>;

export interface Alarms {
  /** The gravest first, then the oldest. */
  views(): readonly AlarmView[];
  /** Asks this one too, from now on; returns the way to stop. */
  watch(source: AlarmSource): () => void;
  close(): void;
}
export interface AlarmsOptions {
  readonly observe: Observe;
  readonly recordEvent: (event: { device?: string; type: EventType; reason: string; detail: object }) => void;
  readonly nowMs: () => number;
}

const LOOK_MS = 1000;
/** More of them at once tell nobody more. */
const SHOWN = 100;
/** Everything else is told as an event, and logged, where it happens. */
const OWN_EVENTS: ReadonlySet<AlarmName> = new Set(['certificate-ending', 'clock-jumped', 'quarantine-growing', 'wal-large']);
const LOGGED: ReadonlySet<AlarmName> = new Set(['clock-jumped', 'quarantine-growing', 'duplicate-identity', 'store-went-back']);

export function createAlarms({ observe, recordEvent, nowMs }: AlarmsOptions): Alarms {
  const { log } = observe;
  const sources = new Set<AlarmSource>();
  let held = new Map<string, AlarmView>();

  function tell(alarm: AlarmView, isRaised: boolean): void {
    const { name, message, device } = alarm;
    const facts = { alarm: name, ...(device !== null && { device }) };
    if (LOGGED.has(name)) log[isRaised ? 'warn' : 'info'](facts, isRaised ? message : 'It is over');
    if (!OWN_EVENTS.has(name)) return;
    const reason = isRaised ? 'raised' : 'over';
    recordEvent({ ...(device !== null && { device }), type: name as EventType, reason, detail: isRaised ? { message } : {} });
  }

  function look(): void {
    const now = new Map<string, AlarmView>();
    for (const source of sources) {
      for (const { name, severity, message, device = null, port = null } of source()) {
        const key = `${name} ${device ?? ''} ${port ?? ''}`;
        const before = held.get(key);
        const alarm: AlarmView = { name, severity, message, device, port, sinceMs: before?.sinceMs ?? nowMs() };
        now.set(key, alarm);
        if (before === undefined) tell(alarm, true);
      }
    }
    for (const [key, alarm] of held) if (!now.has(key)) tell(alarm, false);
    held = now;
  }
  const timer = setInterval(look, LOOK_MS);

  observe.gaugeBy('fieldgate_alarm', 'Alarms that are on, by name.', ['name'], function* () {
    const count = new Map<AlarmName, number>();
    for (const { name } of held.values()) count.set(name, (count.get(name) ?? 0) + 1);
    for (const name of ALARM_NAMES) yield [[name], count.get(name) ?? 0];
  });

  const rank = ({ severity }: AlarmView): number => (severity === 'critical' ? 0 : 1);
  return {
    views: () => [...held.values()].sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs).slice(0, SHOWN),
    watch(source) {
      sources.add(source);
      return () => sources.delete(source);
    },
    close() {
      clearInterval(timer);
      sources.clear();
    },
  };
}
