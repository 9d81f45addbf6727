// The time axis of a page, tied to its address: what is settled on is written there, and what the address says is shown.
import { useEffect, useRef, useState } from 'preact/hooks';
import { createTimeAxis, isSameView } from './time-axis.ts';
import type { TimeAxis, TimeView } from './time-axis.ts';

/** `asked`: what the address says, null for nothing. `onSettle` gets null when the view is the page's usual one. */
export function useTimeAxis(asked: TimeView | null, home: TimeView, onSettle: (view: TimeView | null) => void): TimeAxis {
  const now = useRef({ asked, home, onSettle });
  now.current = { asked, home, onSettle };
  /** What the address was told and may still echo, oldest first. */
  const told = useRef<TimeView[]>([]);
  const [axis] = useState(() => createTimeAxis(asked ?? home, () => now.current.home));

  useEffect(() => {
    const stop = axis.settled.subscribe((view) => {
      const { asked: standing, home: usual, onSettle: tell } = now.current;
      if (isSameView(view, standing ?? usual)) return;
      told.current.push(view);
      tell(isSameView(view, usual) ? null : view);
    });
    return () => {
      stop();
      axis.close();
    };
  }, [axis]);

  useEffect(() => {
    const wanted = asked ?? home;
    // the address says what was told it: meanwhile a hand may have moved on
    const echo = told.current.findIndex((view) => isSameView(view, wanted));
    told.current = echo < 0 ? [wanted] : told.current.slice(echo);
    if (echo < 0) axis.show(wanted);
  }, [axis, JSON.stringify(asked ?? home)]);
  return axis;
}
