// What a burst of frames leaves behind goes back to the system late or never when every thread has room of its own for it: a heap of
// glibc's each, and a large nursery of V8's each. How many and how large can only be said before a process begins, so this one begins
// again in its own place: same pid, same open files.

/** glibc's own setting for it: mallopt(3). */
const ARENAS = 'MALLOC_ARENA_MAX';
const FEW = '2';
/** MiB of each half of a nursery: a fifth of the memory at the peak of the floods, and no throughput (npm run bench -- ingest). */
const NURSERY = '--max-semi-space-size=8';

/** Does not return where it takes effect; who has set either keeps his value. 30 ms, so it comes before anything is loaded. */
export function beginWithLittleRoom(): void {
  const { platform, env, execPath, execArgv, argv } = process;
  if (platform !== 'linux' || process.execve === undefined) return;
  const hasNursery = execArgv.some((flag) => flag.startsWith('--max-semi-space-size'));
  if (hasNursery && env[ARENAS] !== undefined) return;
  const flags = hasNursery ? execArgv : [NURSERY, ...execArgv];
  process.execve(execPath, [execPath, ...flags, ...argv.slice(1)], { [ARENAS]: FEW, ...env });
}
