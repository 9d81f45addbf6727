// The handlers without a listening gateway: this process holds the lock for the length of one command.

import type { Config } from '../config.ts';
import type { ConfigOrigin } from '../config-view.ts';
import type { FetchLocal } from '../control-socket.ts';
import { openDataDirectory } from '../data-directory.ts';
import { openHouse } from '../gateway-house.ts';
import { openPinoObserve } from '../pino-observe.ts';

export interface Offline {
  readonly fetchLocal: FetchLocal;
  close(): Promise<void>;
}

export async function openOffline(config: Config, origin?: ConfigOrigin): Promise<Offline> {
  // what a command makes is as private as what a gateway makes
  process.umask(0o077);
  const directory = openDataDirectory(config.data);
  try {
    const observe = await openPinoObserve({ level: 'warn', format: config.log.format });
    const house = await openHouse(config, observe, { origin });
    // there is no door: all requests are this command's own
    const api = house.openApi({
      authorize: () => ({ principal: { kind: 'local', name: 'local', role: 'admin' } }),
      attemptsOf: () => [],
      caPem: null,
      certificate: () => null,
    });
    return {
      fetchLocal: async (request) => api.fetch(request, { local: true }),
      async close() {
        await house.close();
        await observe.close();
        directory.close();
      },
    };
  } catch (error) {
    directory.close();
    throw error;
  }
}
