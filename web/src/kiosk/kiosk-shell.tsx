// What stands around a page on a wall: its name, the time, whether it is live. Nothing to press but the way back, for who has one.
import type { ComponentChildren } from 'preact';
import { AlarmBar } from '../alarm-bar.tsx';
import { nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { ConnectionBar, LiveMark } from '../connection-bar.tsx';
import { formatClock } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { phase } from '../session.ts';

import { zoneName } from '../zone.ts';
import { useWakeLock } from './kiosk.ts';
import '../styles/kiosk.css';

export function KioskShell({ children }: { children: ComponentChildren }) {
  const { live } = useConnected();
  const session = phase.value.kind === 'in' ? phase.value.session : null;
  useWakeLock();
  return (
    <div class="kiosk" data-stale={live.staleSinceMs.value === null ? undefined : ''}>
      <header class="kiosk-top">
        <span class="brand">
          <Icon name="gate" />
          {text.product}
        </span>
        <span class="dim">{location.hostname}</span>
        {session?.kind === 'key' ? null : (
          <a class="kiosk-leave" href={location.pathname}>
            {text.kiosk.leave}
          </a>
        )}
        <LiveMark />
        <time class="kiosk-clock" dateTime={new Date(nowMs.value).toISOString()}>
          {formatClock(nowMs.value)} <small>{zoneName()}</small>
        </time>
        <ConnectionBar />
        <AlarmBar />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
