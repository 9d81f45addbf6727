// A port's state as shape, colour, word and age: never by colour alone.
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { nowMs } from '../clock.ts';
import { formatAge } from '../format.ts';
import { text } from '../i18n/en.ts';

export type PortState = SerialPortView['state'];

/** The colour of each; its shape is in the style sheet. */
const TONES: Readonly<Record<PortState, string>> = {
  opening: 'is-suspended',
  open: 'is-live',
  absent: 'is-offline',
  silent: 'is-silent',
  garbage: 'is-late',
  stuck: 'is-offline',
  failed: 'is-offline',
  closed: 'is-suspended',
};

export function PortStateMark({ port: { state, sinceAt } }: { port: SerialPortView }) {
  return (
    <span class={`state ${TONES[state]}`} data-state={state}>
      <i class={`dot port-${state}`} aria-hidden="true" />
      <b>{text.serial.state[state]}</b> <small>{formatAge(nowMs.value - Date.parse(sinceAt))}</small>
    </span>
  );
}
