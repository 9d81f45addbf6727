// Loaded before a server under measurement: SIGUSR2 lets the thread that serves the network stand still for two seconds. Its other
// threads go on.

import { isMainThread } from 'node:worker_threads';

const STALL_MS = 2000;

if (isMainThread) process.on('SIGUSR2', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS));
