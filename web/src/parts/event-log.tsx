// Events as lines: when, what, and the facts that came with it.
import type { ComponentChildren } from 'preact';
import type { EventView } from '../../../gateway/protocol/rest.ts';
import { nowMs } from '../clock.ts';
import { eventWords } from '../device/event-words.ts';
import { formatFull, formatInstant, formatMoment } from '../format.ts';
import '../styles/event-log.css';

interface EventLineProps {
  readonly event: EventView;
  /** The clock with seconds, where a heading names the day. */
  readonly hasDay?: boolean;
  readonly isMarked?: boolean;
  /** Beside the words: whose it is, and a link to it. */
  readonly children?: ComponentChildren;
}

export function EventLine({ event, hasDay = false, isMarked = false, children }: EventLineProps) {
  const { title, detail, tone } = eventWords(event);
  return (
    <li class={`is-${tone} ${isMarked ? 'is-marked' : ''}`} data-event={event.type}>
      <time title={formatFull(event.atMs)} dateTime={new Date(event.atMs).toISOString()}>
        {hasDay ? formatInstant(event.atMs) : formatMoment(event.atMs, nowMs.value)}
      </time>
      <i aria-hidden="true" />
      <span>
        <b>{title}</b> <bdi class="dim">{detail}</bdi>
      </span>
      {children}
    </li>
  );
}
