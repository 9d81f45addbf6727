// The porch of the listening port. A connection waits here accepted but unread, until one of a few places for TLS handshake and headers
// is free, so that a storm queues in the kernel's and our own cheap memory instead of in half-finished handshakes. Networks (an IPv4
// address, an IPv6 /64) take turns. A place is first lent to see whether the peer says anything at all; who is silent gives it back as
// soon as somebody else wants it, and so a crowd of mute sockets keeps nobody out, not even behind the same address.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { networkOf } from './identity/throttle.ts';
import { startReading, stopReading } from './raw-socket.ts';

export type DropReason = 'silent' | 'waited-too-long' | 'queue-full' | 'over-its-share' | 'late';

export interface Admission {
  /** A connection that was just accepted, paused. */
  take(socket: Socket): void;
  /** Its TLS handshake is done: `secure` is what could carry an answer. */
  secured(raw: Socket, secure: Duplex): void;
  /** Its first request's headers are here: others may have the place. */
  done(raw: Socket): void;
  readonly waiting: number;
  readonly active: number;
  /** Drops whoever has no place yet; what was handed over is not touched. Nothing is taken any more. */
  close(): void;
}

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  /** The peer has spoken: it is the server's from here on. */
  readonly serve: (socket: Socket) => void;
  /** The connection has to go; `secure` is its TLS socket when there is one, and null while nothing was handed over. */
  readonly drop: (socket: Socket, reason: DropReason, secure: Duplex | null) => void;
  readonly nowMs?: () => number;
}
export interface AdmissionLimits {
  /** Accepted but unread at once. */
  readonly admissionWaiting: number;
  /** In handshake and headers at once. */
  readonly admissionActive: number;
  readonly headersSeconds: number;
  readonly handshakeSeconds: number;
}

/** How long a silent peer may keep a place that somebody else wants. A ClientHello is usually there before we look. */
const LOOK_MS = 100;
/** How long a place is one's own when one's network has more than its share and others wait. */
const SHARE_MS = 3_000;
/** From the moment a peer was accepted it has the longer of both time limits and this, whatever it waited for. */
const GRACE_MS = 250;
const TICK_MS = 50;
/** Handshakes begun in one turn of the event loop; each costs about a millisecond, which devices' frames would wait for. */
const SERVED_PER_TURN = 8;

interface Network {
  readonly key: string;
  /** Never looked at, and looked at in vain; each in the order of arrival. */
  readonly fresh: Set<Entry>;
  readonly silent: Set<Entry>;
  /** Handed over, by when. */
  readonly serving: Set<Entry>;
  /** Places in use: looked at, about to be handed over, or handed over. */
  places: number;
}
interface Entry {
  readonly socket: Socket;
  readonly network: Network;
  readonly acceptedAtMs: number;
  state: 'waiting' | 'looked-at' | 'spoken' | 'serving';
  /** When it got its place, and the ticks that it has seen since. */
  placedAtMs: number;
  ticks: number;
  secure: Duplex | null;
  unlisten: () => void;
}

export function createAdmission({ limits, serve, drop, nowMs = () => performance.now() }: AdmissionOptions): Admission {
  const waitMs = limits.headersSeconds * 1000;
  const longestMs = Math.max(limits.headersSeconds, limits.handshakeSeconds) * 1000 + GRACE_MS;
  /** Everybody who is not done, by time of arrival. */
  const entries = new Map<Socket, Entry>();
  const networks = new Map<string, Network>();
  /** Whose turn it is: networks with somebody of that kind, the next first. */
  const freshRing = new Set<Network>();
  const silentRing = new Set<Network>();
  const looking = new Set<Entry>();
  const spoken = new Set<Entry>();
  let places = 0;
  let crowdest: { readonly network: Network; readonly size: number } | null = null;
  let timer: NodeJS.Timeout | null = null;
  let ticking: NodeJS.Immediate | null = null;
  let turn: NodeJS.Immediate | null = null;
  let isClosed = false;

  function networkAt(address: string): Network {
    const key = networkOf(address);
    let network = networks.get(key);
    if (network === undefined) {
      network = { key, fresh: new Set(), silent: new Set(), serving: new Set(), places: 0 };
      networks.set(key, network);
    }
    return network;
  }
  const waitingIn = (network: Network): number => network.fresh.size + network.silent.size;
  const waiting = (): number => entries.size - places;
  const isWanted = (): boolean => freshRing.size > 0 || silentRing.size > 0;

  /** Out of every list, and its place is free. The socket stays as it is. */
  function forget(entry: Entry): void {
    if (entries.get(entry.socket) !== entry) return;
    entries.delete(entry.socket);
    entry.unlisten();
    unqueue(entry);
    vacate(entry);
    const { network } = entry;
    if (network.places === 0 && waitingIn(network) === 0) networks.delete(network.key);
    if (entries.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  }
  function unqueue(entry: Entry): void {
    const { network } = entry;
    if (network.fresh.delete(entry) && network.fresh.size === 0) freshRing.delete(network);
    if (network.silent.delete(entry) && network.silent.size === 0) silentRing.delete(network);
  }
  function vacate(entry: Entry): void {
    if (entry.state === 'waiting') return;
    entry.state = 'waiting';
    looking.delete(entry);
    spoken.delete(entry);
    entry.network.serving.delete(entry);
    entry.network.places -= 1;
    places -= 1;
  }
  function dropEntry(entry: Entry, reason: DropReason): void {
    const { socket, secure } = entry;
    forget(entry);
    drop(socket, reason, secure);
  }

  function next(): Entry | null {
    for (const [ring, kind] of [
      [freshRing, 'fresh'],
      [silentRing, 'silent'],
    ] as const) {
      const [network] = ring;
      const [entry] = network?.[kind] ?? [];
      if (network === undefined || entry === undefined) continue;
      ring.delete(network);
      network[kind].delete(entry);
      if (network[kind].size > 0) ring.add(network); // at the end: the others come first
      return entry;
    }
    return null;
  }
  function fill(): void {
    while (places < limits.admissionActive && isWanted()) {
      const entry = next();
      if (entry === null) return;
      entry.state = 'looked-at';
      entry.placedAtMs = nowMs();
      entry.ticks = 0;
      entry.network.places += 1;
      places += 1;
      looking.add(entry);
      startReading(entry.socket);
    }
  }
  function onFirstBytes(entry: Entry, bytes: Buffer): void {
    if (entry.state !== 'looked-at') return;
    stopReading(entry.socket);
    entry.socket.unshift(bytes);
    looking.delete(entry);
    entry.state = 'spoken';
    spoken.add(entry);
    turn ??= setImmediate(serveSome);
  }
  function serveSome(): void {
    turn = null;
    let served = 0;
    for (const entry of spoken) {
      if (served === SERVED_PER_TURN) {
        turn = setImmediate(serveSome);
        return;
      }
      spoken.delete(entry);
      if (entry.socket.destroyed) continue; // 'close' is on its way
      served += 1;
      entry.state = 'serving';
      entry.network.serving.add(entry);
      entry.unlisten();
      entry.unlisten = listen(entry.socket, { close: () => leave(entry) });
      serve(entry.socket);
    }
  }
  function leave(entry: Entry): void {
    forget(entry);
    fill();
  }

  /** Whoever keeps others waiting without saying a word. */
  function park(now: number): void {
    for (const entry of looking) {
      entry.ticks += 1;
      // between two ticks the sockets were polled: when we are busy, time alone proves no silence
      if (!isWanted() || entry.ticks < 2 || now - entry.placedAtMs < LOOK_MS) continue;
      stopReading(entry.socket);
      vacate(entry);
      entry.network.silent.add(entry);
      silentRing.add(entry.network);
    }
  }
  /** All places are taken and a network with less than its share waits: the largest one gives up those that took longest. */
  function share(now: number): void {
    if (places < limits.admissionActive || freshRing.size === 0) return;
    const fair = Math.max(1, Math.floor(limits.admissionActive / networks.size));
    let wanted = 0;
    for (const network of freshRing) wanted += Math.max(0, Math.min(network.fresh.size, fair - network.places));
    while (wanted > 0) {
      let largest: Network | null = null;
      for (const network of networks.values()) {
        if (network.serving.size > 0 && network.places > fair && network.places > (largest?.places ?? 0)) largest = network;
      }
      const [oldest] = largest?.serving ?? [];
      if (oldest === undefined || now - oldest.placedAtMs < SHARE_MS) return;
      dropEntry(oldest, 'over-its-share');
      wanted -= 1;
    }
  }
  function expire(now: number): void {
    for (const entry of entries.values()) {
      const ageMs = now - entry.acceptedAtMs;
      if (ageMs < waitMs) return;
      if (entry.state === 'serving' || entry.state === 'spoken') {
        if (ageMs >= longestMs) dropEntry(entry, 'late');
      } else dropEntry(entry, entry.network.fresh.has(entry) ? 'waited-too-long' : 'silent');
    }
  }
  /** After the poll phase, so that nobody is judged with their bytes waiting to be read. */
  function tick(): void {
    ticking = null;
    const now = nowMs();
    expire(now);
    park(now);
    share(now);
    fill();
  }
  /** The oldest of the network that has most of the queue, a silent one if there is. */
  function makeRoom(): void {
    // looked for again only when it has shrunk by half: a search walks over all networks
    if (crowdest === null || waitingIn(crowdest.network) * 2 < crowdest.size) {
      crowdest = null;
      for (const network of networks.values()) {
        if (waitingIn(network) > (crowdest?.size ?? 0)) crowdest = { network, size: waitingIn(network) };
      }
    }
    const [oldest] = crowdest?.network.silent ?? [];
    const [oldestFresh] = crowdest?.network.fresh ?? [];
    const entry = oldest ?? oldestFresh;
    if (entry !== undefined) dropEntry(entry, 'queue-full');
  }

  return {
    take(socket) {
      const now = nowMs();
      const network = networkAt(socket.remoteAddress ?? '');
      const entry: Entry = {
        socket,
        network,
        acceptedAtMs: now,
        state: 'waiting',
        placedAtMs: 0,
        ticks: 0,
        secure: null,
        unlisten: () => undefined,
      };
      entry.unlisten = listen(socket, {
        data: (bytes) => onFirstBytes(entry, bytes as Buffer),
        end: () => socket.destroy(),
        error: () => undefined, // 'close' follows
        close: () => leave(entry),
      });
      entries.set(socket, entry);
      if (isClosed) return dropEntry(entry, 'waited-too-long');
      network.fresh.add(entry);
      freshRing.add(network);
      timer ??= setInterval(() => (ticking ??= setImmediate(tick)), TICK_MS);
      fill();
      if (waiting() > limits.admissionWaiting) makeRoom();
    },
    secured(raw, secure) {
      const entry = entries.get(raw);
      if (entry !== undefined) entry.secure = secure;
    },
    done(raw) {
      const entry = entries.get(raw);
      if (entry !== undefined) leave(entry);
    },
    get waiting() {
      return waiting();
    },
    get active() {
      return places;
    },
    close() {
      isClosed = true;
      for (const entry of entries.values()) if (entry.state !== 'serving') dropEntry(entry, 'waited-too-long');
    },
  };
}

function listen(socket: Socket, listeners: Readonly<Record<string, (argument: unknown) => void>>): () => void {
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
  };
}
