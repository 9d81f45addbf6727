// A preload (`node --import`): the gateway seals at once what comes, in small rounds, and keeps little for replay, so that a round is always
// under way. The product has no such setting; its bounds are exchanged while they are loaded.

import { registerHooks } from 'node:module';
import { canaryUrl, withCanary } from './canaries.ts';

const file = 'gateway/storage/sealing.ts';
const BOUNDS = [
  ['rows: 262_144,', 'rows: 1,'],
  ['ms: 3_600_000,', 'ms: 0,'],
  ['roundRows: 1_048_576,', 'roundRows: 700,'],
  ['replayRows: 1_000_000,', 'replayRows: 2_000,'],
  ['const LOOK_MS = 500;', 'const LOOK_MS = 5;'],
  ['const AFTER_ERROR_MS = 30_000;', 'const AFTER_ERROR_MS = 50;'],
] as const;
const url = canaryUrl({ file, piece: '', instead: '' });

registerHooks({
  load(wanted, context, next) {
    const loaded = next(wanted, context);
    if (wanted !== url || loaded.source === undefined || loaded.source === null) return loaded;
    let source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
    for (const [piece, instead] of BOUNDS) source = withCanary({ file, piece, instead }, source);
    return { ...loaded, source };
  },
});
