// The state of the live connection: a quiet mark while it lives, a bar that says since when values are stale and when it tries again.
import { nowMs } from './clock.ts';
import { useConnected } from './connected.ts';
import { formatClock, formatNumber } from './format.ts';
import { text } from './i18n/en.ts';
import type { LiveState } from './live-connection.ts';
import { Icon } from './parts/icon.tsx';
import { isOutdated } from './upgrade.ts';

export function LiveMark() {
  const { live, stats } = useConnected();
  const state = live.state.value;
  const rate = stats.latest.value?.readingsPerSecond;
  const isLive = state.kind === 'live';
  return (
    <p class={isLive ? 'live-mark is-live' : 'live-mark is-late'} role="status" data-link={state.kind}>
      <i class={isLive ? 'dot pulse' : 'dot'} aria-hidden="true" />
      <span>{isLive ? text.link.live : live.staleSinceMs.value === null ? text.link.connecting : text.link.reconnecting}</span>
      {isLive && rate !== undefined ? (
        <span class="wide-only" aria-hidden="true">
          {formatNumber(rate)} {text.link.perSecond}
        </span>
      ) : null}
    </p>
  );
}

function reasonOf({ reason, detail }: Extract<LiveState, { kind: 'waiting' }>): string {
  if (reason === 'unreachable' && !navigator.onLine) return text.link.reasons.offline;
  return detail || text.link.reasons[reason];
}

/** After an upgrade this page goes on working; what is new comes with the next load. */
export function UpgradeBar() {
  if (!isOutdated.value) return null;
  return (
    <div class="connection-bar is-news" role="status">
      <Icon name="auto" />
      <p>{text.upgraded.says}</p>
      <button type="button" class="btn small" onClick={() => location.reload()}>
        {text.upgraded.reload}
      </button>
    </div>
  );
}

export function ConnectionBar() {
  const { live } = useConnected();
  const state = live.state.value;
  const since = live.staleSinceMs.value;
  if (since === null || state.kind === 'live' || state.kind === 'closed') return null;
  nowMs.value; // counts down with the second
  const seconds = state.kind === 'waiting' ? Math.max(1, Math.ceil((state.retryAtMs - Date.now()) / 1000)) : 0;
  return (
    <div class="connection-bar">
      <Icon name="warn" />
      <p>
        <b>{state.kind === 'waiting' ? text.link.reconnectingIn(seconds) : text.link.reconnecting}</b>{' '}
        {state.kind === 'waiting' ? `${reasonOf(state)} ` : ''}
        <span class="dim">{text.link.staleSince(formatClock(since))}</span>
      </p>
      <button type="button" class="btn small" disabled={state.kind !== 'waiting'} onClick={live.retryNow}>
        {text.link.retry}
      </button>
    </div>
  );
}
