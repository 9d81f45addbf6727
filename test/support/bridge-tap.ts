// A preload (`node --import`) for a bridge: notes everything that passes on its wires in a manifest, and makes it impatient. The wrap goes
// around the options of the device client; the product knows nothing of it.

import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { openManifest } from '../../device-sim/manifest.ts';
import { tapConnections } from '../../device-sim/manifest-tap.ts';
import type { DeviceClientOptions } from '../../gateway/protocol/device-client.ts';
import { MANIFEST_VARIABLE } from './bridge.ts';

const FILE = new URL('../../gateway/protocol/device-client.ts', import.meta.url).href;
const PIECE = 'return new Client(options);';
/** Of the jitter: who comes back within a minute would make a test of hours. */
const HASTE = 0.05;

if (isMainThread) {
  const manifest = openManifest(process.env[MANIFEST_VARIABLE] ?? '');
  const tapped = (options: DeviceClientOptions): DeviceClientOptions => ({
    ...options,
    connect: tapConnections(manifest, options.device ?? '', options.connect),
    random: () => options.random() * HASTE,
  });
  Object.assign(globalThis, { tapped });

  registerHooks({
    load(wanted, context, next) {
      const loaded = next(wanted, context);
      if (wanted !== FILE || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
      if (source.split(PIECE).length !== 2) throw new Error(`${PIECE} does not stand in ${FILE} once; choose another piece`);
      return { ...loaded, source: source.replace(PIECE, 'return new Client((globalThis as any).tapped(options));') };
    },
  });
}
