// What a signed-in console holds: the live socket, the fleet and the gateway's figures. Made at sign-in, closed at sign-out.
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { StatsView } from '../../gateway/protocol/rest.ts';
import { ApiError, api } from './api.ts';
import { setServerTime, toldUntilMs } from './clock.ts';
import { createFleetModel } from './fleet-model.ts';
import type { FleetModel } from './fleet-model.ts';
import { createLiveConnection } from './live-connection.ts';
import type { LiveConnection, WhyRefused } from './live-connection.ts';
import { endSession, refreshSession } from './session.ts';

export interface Stats {
  readonly latest: ReadonlySignal<StatsView | null>;
  /** Readings per second, one sample an ask, oldest first. */
  readonly rates: ReadonlySignal<readonly number[]>;
}
export interface Connected {
  readonly live: LiveConnection;
  readonly fleet: FleetModel;
  readonly stats: Stats;
  close(): void;
}

const STATS_EVERY_MS = 3000;
const KEPT_RATES = 60;

/** A browser cannot read why an upgrade was refused; who is signed in, and whether there is a seat, can be asked. */
async function whyRefused(): Promise<WhyRefused> {
  try {
    const { seat, isChanged } = await refreshSession();
    if (seat === 'full') return { isSignedOut: false, reason: 'full', detail: '' };
    if (seat === 'too-many-sockets') return { isSignedOut: false, reason: 'tooManySockets', detail: '' };
    return { isSignedOut: false, mayRetry: isChanged, detail: '' };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'draining') return { isSignedOut: false, reason: 'restarting', detail: '' };
    return { isSignedOut: error.status === 401, detail: error.status === 0 ? '' : error.message };
  }
}

export function createConnected(): Connected {
  const live = createLiveConnection({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/live`,
    whyRefused,
    signedOut: endSession,
    heard: setServerTime,
  });
  const fleet = createFleetModel(live);
  const latest = signal<StatsView | null>(null);
  const rates = signal<readonly number[]>([]);

  async function askStats(): Promise<void> {
    if (document.visibilityState === 'hidden' || live.state.value.kind !== 'live') return;
    try {
      const stats = await api.get('/v1/stats');
      latest.value = stats;
      rates.value = [...rates.value.slice(1 - KEPT_RATES), stats.readingsPerSecond];
    } catch (error) {
      // the connection bar tells; the next ask tries again
      if (!(error instanceof ApiError)) throw error;
    }
  }
  const timer = setInterval(askStats, STATS_EVERY_MS);
  const stopWatching = live.state.subscribe((state) => {
    if (state.kind === 'live') void askStats();
  });

  const stopTelling = live.staleSinceMs.subscribe((sinceMs) => {
    toldUntilMs.value = sinceMs;
  });

  return {
    live,
    fleet,
    stats: { latest, rates },
    close() {
      clearInterval(timer);
      stopWatching();
      stopTelling();
      toldUntilMs.value = null;
      fleet.close();
      live.close();
    },
  };
}

const Context = createContext<Connected | null>(null);
export const ConnectedProvider = Context.Provider;
export function useConnected(): Connected {
  const connected = useContext(Context);
  if (connected === null) throw new Error('this part is shown to signed-in people only');
  return connected;
}
