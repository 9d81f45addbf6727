// The newest frames of a device as they came, and what was made of each; the gateway keeps them only while this panel asks.
import { useEffect, useState } from 'preact/hooks';
import type { DeviceFrameView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { formatFull, formatInstant, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Fault } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { codeWords } from '../quarantine/refusal-words.ts';
import { base64Bytes, hexOf, visibleText } from '../serial/frame-text.ts';
import '../styles/device-panels.css';

const EVERY_MS = 1500;
/** A line of it; the rest is behind a press. */
const SHORT_CHARS = 240;

export function FramesPanel({ id }: { id: string }) {
  const words = text.device.frames;
  const [isOn, setOn] = useState(false);
  const [frames, setFrames] = useState<readonly DeviceFrameView[] | null>(null);
  const [fault, setFault] = useState('');
  useEffect(() => {
    if (!isOn) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const abort = new AbortController();
    async function ask(): Promise<void> {
      try {
        if (document.visibilityState === 'visible') {
          const answer = await api.get('/v1/devices/:id/frames', { params: { id }, signal: abort.signal });
          setFrames(answer.items);
          setFault('');
        }
      } catch (error) {
        if (isOver) return;
        if (!(error instanceof ApiError)) throw error;
        setFault(error.message);
      }
      if (!isOver) timer = setTimeout(ask, EVERY_MS);
    }
    void ask();
    return () => {
      isOver = true;
      abort.abort();
      clearTimeout(timer);
    };
  }, [id, isOn]);

  return (
    <section class="panel" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        <button type="button" class="btn small end" aria-pressed={isOn} onClick={() => setOn(!isOn)}>
          <Icon name={isOn ? 'pause' : 'play'} />
          {isOn ? words.stop : words.watch}
        </button>
      </header>
      <Fault>{fault}</Fault>
      {frames === null || frames.length === 0 ? (
        // it waits once the gateway keeps them, and not before
        <p class="panel-note">{!isOn ? words.lede : frames === null ? text.loading : words.waiting}</p>
      ) : (
        <ol class="device-frames" tabIndex={0} aria-label={words.title}>
          {frames.map((frame) => (
            <Frame key={`${frame.number} ${frame.atMs}`} frame={frame} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Frame({ frame: { atMs, kind, seq, raw, encoding, bytes, stored, refused } }: { frame: DeviceFrameView }) {
  const words = text.device.frames;
  const [isWhole, setWhole] = useState(false);
  const written = encoding === 'utf8' ? raw : hexOf(base64Bytes(raw));
  const shown = isWhole ? written : written.slice(0, SHORT_CHARS);
  const codes = Object.entries(refused);
  const count = codes.reduce((sum, [, records]) => sum + records, 0);
  const tone = count > 0 ? 'is-refused' : stored > 0 ? 'is-read' : 'is-skipped';
  return (
    <li class={tone} data-kind={kind}>
      <time title={formatFull(atMs)} dateTime={new Date(atMs).toISOString()}>
        {formatInstant(atMs, true)}
      </time>
      <span class="frame-kind dim">
        {words.kinds[kind]} {seq === null ? '' : formatNumber(seq)}
        <small>{text.quarantine.bytes(formatNumber(bytes))}</small>
      </span>
      <code dir="ltr">
        {visibleText(shown).map(({ text: piece, isMark }) => (isMark ? <i>{piece}</i> : piece))}
        {written.length > shown.length ? (
          <button type="button" onClick={() => setWhole(true)}>
            …
          </button>
        ) : null}
      </code>
      <span class="made">
        <i class="tick" aria-hidden="true" />
        <span>
          {stored > 0 ? words.stored(stored, formatNumber(stored)) : null}
          {stored > 0 && count > 0 ? ', ' : null}
          {count > 0 ? `${words.refused(formatNumber(count))}: ${codes.map(([code]) => codeWords(code)).join(', ')}` : null}
          {stored === 0 && count === 0 && seq !== null ? words.settled(formatNumber(seq)) : null}
        </span>
      </span>
    </li>
  );
}
