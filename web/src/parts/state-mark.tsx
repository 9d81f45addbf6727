// A device's state as shape, colour, word and age: never by colour alone.
import { judgedAtMs, nowMs } from '../clock.ts';
import { formatAge, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { DeviceState, LiveDevice } from '../live-device.ts';

export function StateDot({ state }: { state: DeviceState }) {
  return <i class={`dot is-${state}`} aria-hidden="true" />;
}

/** Judged by its readings alone. */
const isUnconnected = (device: LiveDevice, state: DeviceState): boolean => !device.isOnline && (state === 'live' || state === 'late');

export function stateReason(device: LiveDevice, state: DeviceState): string {
  if (isUnconnected(device, state)) return text.state.why.unconnected;
  const every = formatSpan(device.assumedMs);
  const why = text.state.why[state];
  return typeof why === 'string' ? why : why(every);
}

/** The age follows the second, the state the device. */
export function StateMark({ device }: { device: LiveDevice }) {
  device.changed.value;
  const now = nowMs.value;
  const state = device.state(judgedAtMs.value);
  const since = state === 'offline' ? Math.max(device.lastSeenMs, device.lastReadingMs) : device.lastReadingMs;
  const age = formatAge(now - since);
  return (
    <span class={`state is-${state}`} title={stateReason(device, state)}>
      <StateDot state={state} />
      <b>{text.state[state]}</b> <small>{since === 0 ? text.state.never : isUnconnected(device, state) ? text.state.seen(age) : age}</small>
    </span>
  );
}
