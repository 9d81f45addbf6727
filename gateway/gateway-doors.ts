// The doors of the gateway: certificates, the access policy, the device and live sockets, and the one listening port before them.

import { certificateAlarm } from './alarm-sources.ts';
import { createLiveSocket } from './api/live-socket.ts';
import { createAttempts } from './attempts.ts';
import { certificateNames } from './certificate-names.ts';
import { viewCertificate } from './certificate-view.ts';
import { type Certificates, openCertificates } from './certificates.ts';
import type { Config } from './config.ts';
import type { House } from './gateway-house.ts';
import { createHttpServer, type UpgradeRefusal } from './http-server.ts';
import { type Authorize, createAccess } from './identity/access.ts';
import { createOrigins } from './identity/origins.ts';
import type { Observe } from './observe.ts';
import { CLOSE, SUBPROTOCOL } from './protocol/messages.ts';
import { rawSocketOf } from './raw-socket.ts';
import { createLiveness } from './transports/liveness.ts';
import { createWsTransport } from './transports/ws.ts';
import { isMidMessage } from './transports/ws-receiver.ts';

export interface Doors {
  readonly url: string;
  readonly certificates: Certificates | null;
  fetchLocal(request: Request): Promise<Response>;
  /** Says goodbye to devices and subscribers, ends requests, frees the port. */
  close(): Promise<void>;
}

const FULL: UpgradeRefusal = { status: 503, code: 'full', retryAfterSeconds: 10 };
const NOT_STORING: UpgradeRefusal = { status: 503, code: 'store-unavailable', retryAfterSeconds: 1 };
const DRAINING: UpgradeRefusal = { status: 503, code: 'draining', retryAfterSeconds: 1 };

/** Opens the port last, when everything behind it can answer. */
export async function openDoors(config: Config, house: House, observe: Observe): Promise<Doors> {
  const { identity, ingest, feed, seats, limits } = house;
  const { publicUrl, host, origins: listed } = config.http;
  await using undo = new AsyncDisposableStack();

  const certificates =
    config.tls === 'off'
      ? null
      : await openCertificates({
          tls: config.tls,
          dataDir: config.data,
          now: Date.now,
          log: observe.log,
          names: [host, publicUrl === '' ? '' : new URL(publicUrl).hostname].filter((name) => name !== ''),
          onRenew: (pair) => http.setSecureContext(pair),
        });
  undo.defer(async () => certificates?.close());
  const origins = createOrigins({ publicUrl, listed, names: () => (certificates === null ? [] : certificateNames(certificates.cert)) });
  const authorize = createAccess({ credentials: identity.credentials, origins });
  const certificate = () => certificates && viewCertificate(certificates);
  if (certificates !== null) {
    const stopWatching = house.alarms.watch(certificateAlarm(() => viewCertificate(certificates), Date.now));
    undo.defer(async () => stopWatching());
  }
  const attempts = createAttempts(identity.credentials, Date.now);
  const authorizeRequest: Authorize = (request) => {
    const answer = authorize(request);
    if ('code' in answer && !request.viaLocalSocket) attempts.refused({ ...request, code: answer.code });
    return answer;
  };
  const api = house.openApi({ authorize: authorizeRequest, attemptsOf: attempts.of, caPem: certificates?.caPem ?? null, certificate });

  const liveness = createLiveness();
  undo.defer(async () => liveness.close());
  // read at each ping, so that a change reaches the sockets that are open
  const timing = {
    get pingSeconds() {
      return house.settings.config.liveness.pingSeconds;
    },
    get pongSeconds() {
      return house.settings.config.liveness.pongSeconds;
    },
  };
  const live = createLiveSocket({ feed, seats, limits, liveness, isMidMessage, timing, observe });
  const devices = createWsTransport({ openSession: ingest.openSession, limits, livenessOf: house.settingsOf, liveness, observe });
  observe.gauge('fieldgate_devices_connected', 'Open device sockets.', () => devices.count);
  const leave = identity.onEnd((end) => {
    if (end.what === 'device') ingest.endSessions(end, end.reason === 'suspended' ? CLOSE.forbidden : CLOSE.credential, end.reason);
    else if (end.what === 'token') ingest.endSessions(end, CLOSE.credential, end.reason);
  });
  undo.defer(async () => leave());

  const admit = (hasRoom: () => boolean) => (): UpgradeRefusal | null => (house.isDraining() ? DRAINING : hasRoom() ? null : FULL);
  // closing sockets take their time, and a device that comes back takes its own seat
  const admitDevice = admit(() => ingest.presence.onlineCount < limits.devices && devices.count < 2 * limits.devices);
  const http = createHttpServer({
    config,
    tls: certificates,
    fetch: (request, env) => api.fetch(request, env),
    authorize,
    observe,
    onRefused: attempts,
    upgrades: [
      {
        path: '/v1/device',
        access: 'UPGRADE /v1/device',
        subprotocols: [SUBPROTOCOL.json, SUBPROTOCOL.cbor],
        admit(principal) {
          const penaltySeconds = principal.kind === 'device' ? ingest.presence.penaltySeconds(principal.device) : 0;
          if (penaltySeconds > 0) return { status: 429, code: 'duplicate-identity', retryAfterSeconds: penaltySeconds };
          const isBack = principal.kind === 'device' && ingest.presence.isOnline(principal.device) && !house.isDraining();
          return (isBack ? null : admitDevice()) ?? (ingest.hasRoom() ? null : NOT_STORING);
        },
        accept({ principal, request, socket, head, subprotocol, address }) {
          if (principal.kind !== 'device') throw new Error('the policy let in who is no device');
          devices.accept({
            peer: { device: principal.device, tokenId: principal.tokenId, address },
            request,
            socket,
            raw: rawSocketOf(socket),
            head,
            subprotocol,
          });
        },
      },
      {
        path: '/v1/live',
        access: 'UPGRADE /v1/live',
        subprotocols: [SUBPROTOCOL.live],
        // one session too many is let in, to be told so: a browser cannot read a refusal
        admit: (principal) => admit(() => seats.outlook(principal) !== 'full')(),
        accept: (upgrade) => live.accept({ ...upgrade, raw: rawSocketOf(upgrade.socket) }),
      },
    ],
  });
  // together: each has its own patience, and a stop has one
  undo.defer(async () => {
    await Promise.all([http.close(), seats.close(), devices.close()]);
    live.close();
  });
  const { url } = await http.listen();
  const closers = undo.move();
  return {
    url,
    certificates,
    fetchLocal: async (request) => api.fetch(request, { local: true }),
    close: () => closers.disposeAsync(),
  };
}
