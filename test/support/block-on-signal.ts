// Loaded into a gateway: SIGUSR2 blocks its main thread for as long as BLOCK_MS says, as a computation would. Unlike a stopped process,
// which the kernel wakes in the middle of its poll, it looks at its timers before it reads what came meanwhile.

import { writeSync } from 'node:fs';

const blockMs = Number(process.env.BLOCK_MS);
process.on('SIGUSR2', () => {
  writeSync(2, 'the main thread stands still\n');
  const endMs = performance.now() + blockMs;
  while (performance.now() < endMs);
});
