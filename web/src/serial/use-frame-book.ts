// The frames of the port that is open on the page, and holding them still to read.
import { useRef, useState } from 'preact/hooks';
import type { SerialFrameView } from '../../../gateway/protocol/rest.ts';
import { serverNowMs } from '../clock.ts';
import { type BookedFrame, bookFrames } from './frame-book.ts';

export interface FrameBook {
  readonly frames: readonly BookedFrame[];
  /** null: they move on. */
  readonly pausedAtMs: number | null;
  /** Frames that came since. */
  readonly newer: number;
  toggle(): void;
}

/** For one port: give what uses it a key made of the port's id. */
export function useFrameBook(last: readonly SerialFrameView[]): FrameBook {
  const book = useRef<readonly BookedFrame[]>([]);
  const [held, setHeld] = useState<{ readonly frames: readonly BookedFrame[]; readonly atMs: number } | null>(null);
  book.current = bookFrames(book.current, last);
  const newer = held === null ? 0 : (book.current[0]?.number ?? 0) - (held.frames[0]?.number ?? 0);
  return {
    frames: held === null ? book.current : held.frames,
    pausedAtMs: held === null ? null : held.atMs,
    newer: Math.max(0, newer),
    toggle: () => setHeld(held === null ? { frames: book.current, atMs: serverNowMs() } : null),
  };
}
