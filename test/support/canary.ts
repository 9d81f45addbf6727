// A preload (`node --import`): takes the protection named in the environment out of the gateway. Threads inherit it.

import { registerHooks } from 'node:module';
import { CANARIES, CANARY_VARIABLE, type CanaryName, canaryUrl, withCanary } from './canaries.ts';

const name = process.env[CANARY_VARIABLE] ?? '';
if (!Object.hasOwn(CANARIES, name)) throw new Error(`${CANARY_VARIABLE}=${name}: one of ${Object.keys(CANARIES).join(', ')}`);
const canary = CANARIES[name as CanaryName];
const url = canaryUrl(canary);

registerHooks({
  load(wanted, context, next) {
    const loaded = next(wanted, context);
    if (wanted !== url || loaded.source === undefined || loaded.source === null) return loaded;
    const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
    return { ...loaded, source: withCanary(canary, source) };
  },
});
