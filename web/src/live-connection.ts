// The one live socket of the console: subscriptions that survive it, resumed by cursor; a watchdog on the heartbeat; reconnecting for
// ever with full jitter, at once when the tab or the network returns. Knows nothing of pages.
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { CLOSE, SUBPROTOCOL } from '../../gateway/protocol/messages.ts';
import type {
  DeviceChange,
  DevicePresence,
  LiveReading,
  PairingChange,
  Reset,
  Subscribe,
  ToSubscriber,
} from '../../gateway/protocol/messages.ts';

export type LiveReason = 'unreachable' | 'silent' | 'restarting' | 'overloaded' | 'full' | 'tooManySockets' | 'forbidden' | 'lost';
export type LiveState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'waiting'; readonly retryAtMs: number; readonly reason: LiveReason; readonly detail: string }
  | { readonly kind: 'closed' };

export interface LiveListener {
  /** Called once a part of a snapshot; `isLast` with the last. */
  snapshot?(latest: readonly LiveReading[], devices: readonly DevicePresence[], isLast: boolean): void;
  resumed?(devices: readonly DevicePresence[]): void;
  /** `conflated`: so many were left out because this socket was slow; history has them. */
  readings(readings: readonly LiveReading[], conflated: number): void;
  device?(change: DeviceChange): void;
  /** The cursor was refused: what was missed must be read again from history. A snapshot follows. */
  reset?(reason: Reset['reason']): void;
}
export interface LiveAsk {
  readonly devices: readonly string[];
  readonly metrics?: readonly string[];
  readonly since?: string;
  /** After a longer silence a fresh snapshot is asked for instead of everything that was missed. Default: never. */
  readonly resumeWithinMs?: number;
}
export interface LiveConnection {
  readonly state: ReadonlySignal<LiveState>;
  /** When the values on screen stopped being current (this machine's clock); null while live. */
  readonly staleSinceMs: ReadonlySignal<number | null>;
  subscribe(ask: LiveAsk, listener: LiveListener): () => void;
  retryNow(): void;
  close(): void;
}
export interface WhyRefused {
  readonly isSignedOut: boolean;
  /** Nothing else is known than that it was refused. */
  readonly reason?: LiveReason;
  /** What stood in the way is gone: try at once. */
  readonly mayRetry?: boolean;
  readonly detail: string;
}
export interface LiveOptions {
  readonly url: string;
  /** After a refused upgrade a browser cannot see the answer: this asks why. */
  whyRefused(): Promise<WhyRefused>;
  /** The session behind the socket ended. */
  signedOut(): void;
  heard?(gatewayTimeMs: number): void;
  /** Who asks to be paired has changed; told to operators and admins. */
  pairing?(change: PairingChange): void;
}

const WATCHDOG_MS = 40_000; // two and a half heartbeats
const OPEN_WITHIN_MS = 10_000;
const STABLE_AFTER_MS = 30_000;
const BACKOFF_MS = { first: 1000, most: 30_000, crowded: 30_000 };

interface Subscription {
  readonly id: string;
  readonly ask: LiveAsk;
  readonly listener: LiveListener;
  cursor: string | undefined;
  heardAtMs: number;
}

export function createLiveConnection(options: LiveOptions): LiveConnection {
  const state = signal<LiveState>({ kind: 'connecting' });
  const staleSinceMs = signal<number | null>(null);
  const subscriptions = new Map<string, Subscription>();
  let socket: WebSocket | null = null;
  let isOpen = false;
  let isClosed = false;
  let nextId = 1;
  let attempt = 0;
  let heardAtMs = Date.now();
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let stableTimer: ReturnType<typeof setTimeout> | undefined;
  const watchdog = setInterval(checkHeartbeat, 5000);
  let openedAtMs = 0;

  function connect(): void {
    if (isClosed) return;
    clearTimeout(retryTimer);
    if (state.value.kind !== 'connecting') state.value = { kind: 'connecting' };
    const mine = new WebSocket(options.url, [SUBPROTOCOL.live]);
    socket = mine;
    isOpen = false;
    openedAtMs = heardAtMs = Date.now();
    mine.onopen = () => {
      isOpen = true;
      heardAtMs = Date.now();
      stableTimer = setTimeout(() => {
        attempt = 0;
      }, STABLE_AFTER_MS);
      state.value = { kind: 'live' };
      staleSinceMs.value = null;
      for (const subscription of subscriptions.values()) ask(subscription);
    };
    mine.onmessage = (event: MessageEvent<string>) => {
      heardAtMs = Date.now();
      take(JSON.parse(event.data) as ToSubscriber);
    };
    mine.onclose = (event) => {
      if (socket === mine) void ended(event.code, event.reason);
    };
  }

  function drop(): void {
    clearTimeout(stableTimer);
    const old = socket;
    socket = null;
    if (old === null) return;
    old.onopen = old.onmessage = old.onclose = null;
    old.close();
  }

  async function ended(code: number, reason: string): Promise<void> {
    const wasOpen = isOpen;
    drop();
    if (isClosed) return;
    if (wasOpen || staleSinceMs.value === null) staleSinceMs.value = heardAtMs;
    if (code === CLOSE.credential) return options.signedOut();
    if (wasOpen) {
      const told = /retry-after-ms=(\d+)/.exec(reason);
      const least = told === null ? 0 : Math.min(Number(told[1]), BACKOFF_MS.most);
      if (code === CLOSE.restarting) return wait('restarting', least);
      if (code === CLOSE.overloaded) return wait('overloaded', least);
      if (code === CLOSE.tooManySockets) return wait('tooManySockets', BACKOFF_MS.crowded);
      if (code === CLOSE.forbidden) {
        wait('forbidden', BACKOFF_MS.crowded);
        return explain();
      }
      return wait(code === 0 ? 'silent' : 'lost', 0);
    }
    wait('unreachable', 0);
    await explain();
  }

  /** Says more of what is being waited for, once it is known. */
  async function explain(): Promise<void> {
    const why = await options.whyRefused();
    if (isClosed) return;
    if (why.isSignedOut) return options.signedOut();
    if (state.value.kind !== 'waiting') return;
    state.value = { ...state.value, detail: why.detail, reason: why.reason ?? state.value.reason };
    if (why.mayRetry === true) connect();
  }

  function wait(reason: LiveReason, leastMs: number): void {
    const spanMs = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** attempt++);
    const waitMs = leastMs + Math.random() * spanMs;
    state.value = { kind: 'waiting', retryAtMs: Date.now() + waitMs, reason, detail: '' };
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, waitMs);
  }

  function checkHeartbeat(): void {
    if (socket === null) return;
    const silentMs = Date.now() - heardAtMs;
    if (isOpen ? silentMs > WATCHDOG_MS : Date.now() - openedAtMs > OPEN_WITHIN_MS) void ended(0, '');
  }

  function ask(subscription: Subscription): void {
    const { ask: wanted, id, cursor } = subscription;
    const isFresh = Date.now() - subscription.heardAtMs <= (wanted.resumeWithinMs ?? Number.POSITIVE_INFINITY);
    const message: Subscribe = {
      type: 'subscribe',
      id,
      devices: wanted.devices,
      ...(wanted.metrics === undefined ? {} : { metrics: wanted.metrics }),
      ...(cursor !== undefined && isFresh ? { since: cursor } : {}),
    };
    socket?.send(JSON.stringify(message));
  }

  function take(message: ToSubscriber): void {
    switch (message.type) {
      case 'readings': {
        const subscription = heard(message.id, message.cursor);
        subscription?.listener.readings(message.readings, message.conflated);
        return;
      }
      case 'snapshot': {
        const subscription = heard(message.id, message.cursor);
        subscription?.listener.snapshot?.(message.latest, message.devices, message.more !== true);
        return;
      }
      case 'resumed':
        heard(message.id, message.cursor)?.listener.resumed?.(message.devices);
        return;
      case 'device':
        for (const { listener } of subscriptions.values()) listener.device?.(message);
        return;
      case 'reset': {
        const subscription = subscriptions.get(message.id);
        if (subscription === undefined) return;
        subscription.cursor = undefined;
        subscription.listener.reset?.(message.reason);
        return;
      }
      case 'heartbeat':
        options.heard?.(message.atMs);
        for (const [id, cursor] of Object.entries(message.cursors)) heard(id, cursor);
        return;
      case 'pairing':
        options.pairing?.(message);
        return;
      case 'unsubscribed':
      case 'error':
        return;
      default: {
        // what a newer gateway says beyond this is ignored, as the protocol asks
        const unknown: never = message;
        return unknown;
      }
    }
  }

  function heard(id: string, cursor: string | undefined): Subscription | undefined {
    const subscription = subscriptions.get(id);
    if (subscription === undefined) return undefined;
    subscription.heardAtMs = heardAtMs;
    if (cursor !== undefined) subscription.cursor = cursor;
    return subscription;
  }

  function retryNow(): void {
    if (state.value.kind === 'waiting') connect();
  }
  function returned(): void {
    if (document.visibilityState === 'hidden') return;
    checkHeartbeat();
    retryNow();
  }
  document.addEventListener('visibilitychange', returned);
  addEventListener('online', returned);
  addEventListener('pageshow', returned);
  connect();

  return {
    state,
    staleSinceMs,
    subscribe(wanted, listener) {
      const id = String(nextId++);
      const subscription: Subscription = { id, ask: wanted, listener, cursor: wanted.since, heardAtMs: Date.now() };
      subscriptions.set(id, subscription);
      if (isOpen && socket !== null) ask(subscription);
      return () => {
        if (!subscriptions.delete(id)) return;
        if (isOpen && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'unsubscribe', id }));
      };
    },
    retryNow,
    close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(watchdog);
      clearTimeout(retryTimer);
      drop();
      document.removeEventListener('visibilitychange', returned);
      removeEventListener('online', returned);
      removeEventListener('pageshow', returned);
      state.value = { kind: 'closed' };
    },
  };
}
