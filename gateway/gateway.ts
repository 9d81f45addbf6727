// The composition root: the only file that names implementations.
//
//  device ──frame──▶ transports/ws.ts ──▶ ingest/session.ts ──▶ ingest/validate.ts ──▶ ingest/batcher.ts
//                                                                                         │ batch (columns)
//                              ┌──────────────────── ingest/ingest.ts ◀───────────────────┘
//                              │  1 store.append   2 bus.publish   3 acknowledge
//                              ▼                          ▼
//         storage/sqlite-store.ts ═thread═▶ sqlite-writer.ts    relay/bus.ts ──▶ relay/live-feed.ts
//                                                                                   │
//                               browser ◀──── web/src/live-connection.ts ◀── api/live-socket.ts

import { createLiveSocket } from './api/live-socket.ts';
import { certificateNames } from './certificate-names.ts';
import { openCertificates } from './certificates.ts';
import type { Config } from './config.ts';
import { openHouse } from './gateway-house.ts';
import { createHttpServer } from './http-server.ts';
import { createAccess } from './identity/access.ts';
import { createOrigins } from './identity/origins.ts';
import type { Observe } from './observe.ts';
import { CLOSE, SUBPROTOCOL } from './protocol/messages.ts';
import { createWsTransport } from './transports/ws.ts';

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** The one-time code of a first start; null later. */
  readonly setupCode: string | null;
  /** SHA-256 of the private authority or the own certificate; null without TLS. */
  readonly fingerprint: string | null;
  /** A request with the rights of a local admin. */
  fetchLocal(request: Request): Promise<Response>;
  /** Looks at the certificates' files again. */
  reload(): void;
  /** Drains and closes; idempotent. */
  stop(): Promise<void>;
}

/** Starts from the sink to the source. Rejects with a Failure (its exit code inside) when something is in the way. */
export async function startGateway(config: Config, observe: Observe): Promise<Gateway> {
  await using undo = new AsyncDisposableStack();
  let isDraining = false;
  const house = await openHouse(config, observe, () => isDraining);
  undo.defer(house.close);
  const { identity, ingest, feed, limits } = house;

  const material =
    config.tls === 'off'
      ? null
      : await openCertificates({
          tls: config.tls,
          dataDir: config.data,
          now: Date.now,
          log: observe.log,
          names: [config.http.host, config.http.publicUrl === '' ? '' : new URL(config.http.publicUrl).hostname].filter(
            (name) => name !== '',
          ),
          onRenew: (pair) => http.setSecureContext(pair),
        });
  undo.defer(async () => material?.close());

  const origins = createOrigins({
    publicUrl: config.http.publicUrl,
    listed: config.http.origins,
    names: () => (material === null ? [] : certificateNames(material.cert)),
  });
  const authorize = createAccess({ credentials: identity.credentials, origins });
  const api = house.openApi({ authorize, caPem: material?.caPem ?? null });

  const live = createLiveSocket({ feed, identity, limits, liveness: config.liveness, observe });
  const devices = createWsTransport({ openSession: ingest.openSession, limits, livenessOf: house.settingsOf, observe });
  undo.defer(
    identity.onEnd((end) => {
      if (end.what === 'device') ingest.endSessions(end, end.reason === 'suspended' ? CLOSE.forbidden : CLOSE.credential, end.reason);
      else if (end.what === 'token') ingest.endSessions(end, CLOSE.credential, end.reason);
    }) as () => Promise<void> & void,
  );
  observe.gauge('fieldgate_devices_connected', 'Open device sockets.', () => devices.count);

  const full = { status: 503, code: 'full', retryAfterSeconds: 10 } as const;
  const http = createHttpServer({
    config,
    tls: material,
    fetch: (request, env) => api.fetch(request, env),
    authorize,
    observe,
    upgrades: [
      {
        path: '/v1/device',
        access: 'UPGRADE /v1/device',
        subprotocols: [SUBPROTOCOL.json],
        admit: () => (devices.count < limits.devices ? null : full),
        accept({ principal, request, socket, head, address }) {
          if (principal.kind !== 'device') throw new Error('the policy let in who is no device');
          devices.accept({ peer: { device: principal.device, tokenId: principal.tokenId, address }, request, socket, head });
        },
      },
      {
        path: '/v1/live',
        access: 'UPGRADE /v1/live',
        subprotocols: [SUBPROTOCOL.live],
        admit: () => (live.hasRoom ? null : full),
        accept: live.accept,
      },
    ],
  });
  undo.defer(http.close);
  undo.defer(live.close);
  undo.defer(devices.close);
  const fetchLocal = async (request: Request): Promise<Response> => api.fetch(request, { local: true });
  const { url } = await http.listen();
  if (house.setupCode !== null)
    observe.log.info({ code: house.setupCode, open: `${url}/setup` }, 'First start: this one-time code makes the first admin');
  // what was read is committed and acknowledged before anybody is told to go
  undo.defer(() => {
    isDraining = true;
    return ingest.settle();
  });

  const closers = undo.move();
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= closers.disposeAsync();
    return stopping;
  };
  return {
    url,
    setupCode: house.setupCode,
    fingerprint: material?.fingerprint ?? null,
    fetchLocal,
    reload: () => material?.reload(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The handlers alone, for a command where no gateway runs. */
export async function openGatewayApp(config: Config, observe: Observe): Promise<Pick<Gateway, 'fetchLocal'> & { close(): Promise<void> }> {
  const house = await openHouse(config, observe, () => false);
  const origins = createOrigins({ publicUrl: '', listed: [], names: () => [] });
  const api = house.openApi({ authorize: createAccess({ credentials: house.identity.credentials, origins }), caPem: null });
  return { fetchLocal: async (request) => api.fetch(request, { local: true }), close: house.close };
}
