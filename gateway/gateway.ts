// The product in one function: what is opened, in which order, and how it ends. gateway-house.ts and gateway-doors.ts name the parts.
//
//  device ──frame──▶ transports/ws.ts ──▶ ingest/session.ts ──▶ ingest/validate.ts ──▶ ingest/batcher.ts
//                                                                                         │ batch (columns)
//                              ┌──────────────────── ingest/ingest.ts ◀───────────────────┘
//                              │  1 store.append   2 bus.publish   3 acknowledge
//                              ▼                          ▼
//         storage/sqlite-store.ts ═thread═▶ sqlite-writer.ts    relay/bus.ts ──▶ relay/live-feed.ts
//                                                                                   │
//                               browser ◀──── web/src/live-connection.ts ◀── api/live-socket.ts

import type { Config } from './config.ts';
import { openDoors } from './gateway-doors.ts';
import { type HouseOptions, openHouse } from './gateway-house.ts';
import type { Observe } from './observe.ts';

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
  /** What was read is committed and acknowledged, captures and replays have their ends. Idempotent. */
  drain(): Promise<void>;
  /** Drains and closes; idempotent. */
  stop(): Promise<void>;
}

/** Starts from the sink to the source. Rejects with a Failure (its exit code inside) when something is in the way. */
export async function startGateway(config: Config, observe: Observe, options: HouseOptions = {}): Promise<Gateway> {
  const house = await openHouse(config, observe, options);
  const doors = await openDoors(config, house, observe).catch(async (error: unknown) => {
    await house.close();
    throw error;
  });
  await house.serial.start().catch(async (error: unknown) => {
    await doors.close();
    await house.close();
    throw error;
  });
  house.upkeep.startSchedule();
  const { url, certificates, fetchLocal } = doors;
  house.demo.openTo({ url, fetchLocal });
  if (house.setupCode !== null) {
    observe.log.info({ code: house.setupCode, open: `${url}/setup` }, 'First start: this one-time code makes the first admin');
  }
  let draining: Promise<void> | null = null;
  const drain = (): Promise<void> => {
    draining ??= house.drain();
    return draining;
  };
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      // what was read is committed and acknowledged before anybody is told to go
      await drain();
      await doors.close();
      await house.close();
    })();
    return stopping;
  };
  return {
    url,
    setupCode: house.setupCode,
    fingerprint: certificates?.fingerprint ?? null,
    fetchLocal,
    reload: () => void certificates?.reload(),
    drain,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
