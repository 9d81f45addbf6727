// The handlers without a listening gateway: this process holds the lock for the length of one command.

import type { Config } from '../config.ts';
import type { FetchLocal } from '../control-socket.ts';
import { openHouse } from '../gateway-house.ts';
import { openPinoObserve } from '../pino-observe.ts';

export interface Offline {
  readonly fetchLocal: FetchLocal;
  close(): Promise<void>;
}

export async function openOffline(config: Config): Promise<Offline> {
  // what a command makes is as private as what a gateway makes
  process.umask(0o077);
  const observe = await openPinoObserve({ level: 'warn', format: config.log.format });
  const house = await openHouse(config, observe, () => false);
  // nobody comes in by a door: all requests are local ones, which the policy lets through before it is asked
  const api = house.openApi({ authorize: () => ({ status: 401, code: 'unauthorized', headers: {} }), caPem: null });
  return {
    fetchLocal: async (request) => api.fetch(request, { local: true }),
    async close() {
      await house.close();
      await observe.close();
    },
  };
}
