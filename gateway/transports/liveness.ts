// Pings and the cut of dead peers, for all connections with one timer. Any received byte is life; a sweep that comes late (this process
// was stopped or busy) moves every deadline by as much, so that a stall here never costs a healthy connection.

import type { Liveness, Watched } from './transport.ts';

const SWEEP_MS = 500;
const LATE_MS = 1_000;
const JITTER = 0.1;
/** Half a message and then nothing for so long: it will not be finished. */
const MID_MESSAGE_MS = 15_000;

export function createLiveness(): Liveness {
  const peers = new Set<Watched>();
  let lastSweepMs = performance.now();

  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - lastSweepMs - SWEEP_MS;
    lastSweepMs = now;
    // deadlines move by the stall, and nobody is cut before what queued up meanwhile has been read: that is the next sweep
    const extendMs = lateMs > LATE_MS ? lateMs : 0;
    for (const peer of peers) {
      peer.nextAtMs += extendMs;
      const { bytesRead } = peer;
      if (bytesRead !== peer.heardBytes) {
        peer.heardBytes = bytesRead;
        peer.heardAtMs = peer.quietSinceMs = now;
      } else if (peer.isWaitingForUs) peer.quietSinceMs = now;
      else {
        peer.quietSinceMs += extendMs;
        if (now - peer.quietSinceMs >= MID_MESSAGE_MS && extendMs === 0 && peer.isMidMessage) {
          peers.delete(peer);
          peer.stalled();
          continue;
        }
      }
      if (peer.pingedAtMs > 0 && (peer.isWaitingForUs || bytesRead !== peer.bytesSeen)) {
        peer.nextAtMs = peer.pingedAtMs + pingDelayMs(peer.timing.pingSeconds);
        peer.pingedAtMs = 0;
      }
      if (now < peer.nextAtMs || extendMs > 0) continue;
      if (peer.pingedAtMs > 0) {
        peers.delete(peer);
        peer.cut();
        continue;
      }
      peer.pingedAtMs = now;
      peer.bytesSeen = bytesRead;
      peer.nextAtMs = now + peer.timing.pongSeconds * 1000;
      peer.ping();
    }
  }, SWEEP_MS);

  return {
    watch(peer) {
      const now = performance.now();
      peer.nextAtMs = now + pingDelayMs(peer.timing.pingSeconds);
      peer.heardAtMs = peer.quietSinceMs = now;
      peers.add(peer);
    },
    unwatch: (peer) => void peers.delete(peer),
    close() {
      clearInterval(timer);
      peers.clear();
    },
  };
}

function pingDelayMs(pingSeconds: number): number {
  return pingSeconds * 1000 * (1 - JITTER + 2 * JITTER * Math.random());
}
