// The frames of one port as they were seen by asking again and again: each once, newest first, and how many came in between unseen.
import type { SerialFrameView } from '../../../gateway/protocol/rest.ts';

export interface BookedFrame extends SerialFrameView {
  /** So many frames between this one and the next older were never shown; 0 for the oldest. */
  readonly missed: number;
}

const KEPT_FRAMES = 60;

/** `last`: the port's last frames, oldest first. Numbers that begin anew are of a port that was opened by a new reader. */
export function bookFrames(book: readonly BookedFrame[], last: readonly SerialFrameView[]): readonly BookedFrame[] {
  const newest = last.at(-1);
  if (newest === undefined) return book;
  const top = book[0];
  const isAnew = top !== undefined && (newest.number < top.number || (newest.number === top.number && newest.atMs !== top.atMs));
  const kept = isAnew ? [] : book;
  const fresh = last.filter(({ number }) => number > (kept[0]?.number ?? 0));
  if (fresh.length === 0) return kept;
  let before = kept[0]?.number;
  const booked = fresh.map((frame): BookedFrame => {
    const missed = before === undefined ? 0 : frame.number - before - 1;
    before = frame.number;
    return { ...frame, missed };
  });
  return [...booked.reverse(), ...kept].slice(0, KEPT_FRAMES);
}
