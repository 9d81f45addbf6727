// Which other processes have a file open, as far as this user may see it. Linux alone tells.

import { readdir, readFile, readlink, realpath } from 'node:fs/promises';

const SHOWN = 3;

/** `gpsd (812)`, and the like; empty when it cannot be told. */
export async function holdersOf(path: string): Promise<string[]> {
  const found: string[] = [];
  const wanted = await realpath(path).catch(() => null);
  const pids = wanted === null ? [] : await readdir('/proc').catch(() => []);
  for (const pid of pids) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid || found.length === SHOWN) continue;
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) !== wanted) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process');
      found.push(`${name.trim()} (${pid})`);
      break;
    }
  }
  return found;
}
