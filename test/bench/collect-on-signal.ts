// Loaded before a server under measurement: SIGUSR2 collects its garbage twice, so that memory in use is measured and not what is due.
// What is in use then is written to the file in BENCH_HEAP_FILE, when there is one.

import { renameSync, writeFileSync } from 'node:fs';

let times = 0;
process.on('SIGUSR2', () => {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
  const file = process.env.BENCH_HEAP_FILE;
  if (file === undefined) return;
  writeFileSync(`${file}.new`, JSON.stringify({ times: ++times, ...process.memoryUsage() }));
  renameSync(`${file}.new`, file);
});
