// The last frames of the port that is open on the page, newest first, and a button that holds them still.
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { formatClock, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { FrameRow, FrameTime } from './frame-list.tsx';
import { useFrameBook } from './use-frame-book.ts';

export function PortFrames({ port }: { port: SerialPortView }) {
  const { frames, pausedAtMs, newer, toggle } = useFrameBook(port.lastFrames);
  const words = text.serial.frames;
  return (
    <section class="frames" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        <span class="dim">{pausedAtMs === null ? words.lede : words.paused(formatClock(pausedAtMs), formatNumber(newer))}</span>
        {frames.length === 0 ? null : (
          <button type="button" class="btn small" aria-pressed={pausedAtMs !== null} onClick={toggle}>
            <Icon name={pausedAtMs === null ? 'pause' : 'play'} />
            {pausedAtMs === null ? words.pause : words.go}
          </button>
        )}
      </header>
      {frames.length === 0 ? (
        <p class="panel-note">{words.empty}</p>
      ) : (
        // reached by Tab: it scrolls, and nothing in it is pressed
        <ol class="frame-list" tabIndex={0} aria-label={`${words.title}, ${words.newest}`}>
          {frames.flatMap((frame, index) => [
            <FrameRow key={frame.number} frame={frame} lead={<FrameTime atMs={frame.atMs} />} />,
            frame.missed > 0 && index < frames.length - 1 ? (
              <li key={`before-${frame.number}`} class="missed">
                {words.missed(formatNumber(frame.missed), frame.missed)}
              </li>
            ) : null,
          ])}
        </ol>
      )}
    </section>
  );
}
