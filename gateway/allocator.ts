// What a burst of frames leaves behind goes back to the system late or never when every thread has room of its own for it: a heap of
// glibc's each, and a large nursery of V8's each. How many and how large can only be said before a process begins, so this one begins
// again in its own place: same pid, same open files.

/** glibc's own settings. What is not said grows by itself: a large block that was freed once makes all of its size come from the heap. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  // columns of a batch or of a round of sealing lie beside the heap and go back when they are freed
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '1048576',
};
/** MiB of each half of a nursery: a fifth of the memory at the peak of the floods, and no throughput (npm run bench -- ingest). */
const NURSERY = '--max-semi-space-size=8';
/** By how much the old part of a heap may grow before it is collected again, in %: V8 would let a small one become four times as large. */
const GROWING = '--heap-growing-percent=60';

/** Does not return where it takes effect; who has set some of it keeps his values. 30 ms, so it comes before anything is loaded. */
export function beginWithLittleRoom(compileCache: string): void {
  const { platform, env, execPath, execArgv, argv } = process;
  if (platform !== 'linux' || process.execve === undefined) return;
  const hasNursery = execArgv.some((flag) => flag.startsWith('--max-semi-space-size'));
  // asked for from outside, the cache has the very first file too: what strips the types is never loaded, 17 MiB
  const settings = { ...ALLOCATOR, NODE_COMPILE_CACHE: compileCache };
  if (hasNursery && Object.keys(settings).every((name) => env[name] !== undefined)) return;
  const flags = hasNursery ? execArgv : [NURSERY, GROWING, ...execArgv];
  process.execve(execPath, [execPath, ...flags, ...argv.slice(1)], { ...settings, ...env });
}
