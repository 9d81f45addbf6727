// Frames beside the readings made of them, or the reason why there are none. What a sensor says is shown as text, whatever it is.
import type { ComponentChildren } from 'preact';
import type { SerialFrameView } from '../../../gateway/protocol/rest.ts';
import { formatFull, formatInstant, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { base64Bytes, hexOf, visibleText } from './frame-text.ts';
import { EXCEPTION, outcomeWords } from './port-words.ts';

export function RawFrame({ frame: { raw, encoding, bytes } }: { frame: SerialFrameView }) {
  const binary = encoding === 'base64' ? base64Bytes(raw) : null;
  const shownBytes = binary === null ? new TextEncoder().encode(raw).byteLength : binary.byteLength;
  return (
    <code class={binary === null ? 'raw' : 'raw is-hex'} dir="ltr">
      {binary === null ? visibleText(raw).map(({ text: piece, isMark }) => (isMark ? <i>{piece}</i> : piece)) : hexOf(binary)}
      {bytes > shownBytes ? <small> {text.serial.frames.cut(formatNumber(bytes))}</small> : null}
    </code>
  );
}

/** `wrong checksum`, with the sentence that says more. */
export function FrameReason({ frame: { outcome, says } }: { frame: SerialFrameView }) {
  return (
    <span class="reason">
      <b>{outcomeWords(outcome)}</b> {says === '' ? null : <bdi>{says}</bdi>}
    </span>
  );
}

/** Everything else that is no reading is nothing wrong: empty lines, headers, sentences without values. */
const REFUSED = new Set([
  'line-too-long',
  'stale-partial',
  'bad-checksum',
  'bad-frame',
  'undecodable',
  'no-match',
  'bad-number',
  'too-many-fields',
  // of a Modbus bus
  'timeout',
  'bad-crc',
  'short-answer',
  'wrong-slave',
  'wrong-function',
  'wrong-length',
  'noise',
  'unasked',
]);
const isRefused = (outcome: string): boolean => REFUSED.has(outcome) || outcome.startsWith(EXCEPTION);
const toneOf = (outcome: string): string => (outcome === 'readings' ? 'is-read' : isRefused(outcome) ? 'is-refused' : 'is-skipped');

export function FrameTime({ atMs }: { atMs: number }) {
  return (
    <time title={formatFull(atMs)} dateTime={new Date(atMs).toISOString()}>
      {formatInstant(atMs, true)}
    </time>
  );
}

interface FrameRowProps {
  readonly frame: SerialFrameView;
  /** When it came, or its number. */
  readonly lead: ComponentChildren;
  /** Its readings; in the gateway's words when left out. */
  readonly children?: ComponentChildren;
}

export function FrameRow({ frame, lead, children }: FrameRowProps) {
  return (
    <li class={`frame ${toneOf(frame.outcome)}`} data-outcome={frame.outcome}>
      <span class="lead">{lead}</span>
      <RawFrame frame={frame} />
      <span class="made">
        <i class="tick" aria-hidden="true" />
        {frame.outcome === 'readings' ? (children ?? <bdi>{frame.says}</bdi>) : <FrameReason frame={frame} />}
      </span>
    </li>
  );
}
