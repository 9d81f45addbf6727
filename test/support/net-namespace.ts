// A network of its own for a process, joined to this machine by one link that can be set down: the pulled cable. Needs root and `ip`.

import { spawnSync } from 'node:child_process';

export interface NetNamespace extends Disposable {
  /** This machine's end of the link: what a server listens on. */
  readonly hostAddress: string;
  /** Goes before a command that is to run inside. */
  readonly within: readonly string[];
  setLink(state: 'up' | 'down'): void;
}

/** From the addresses that are set aside for measuring networks; a /30 for each process. */
const NETWORK = '198.18';

export function openNetNamespace(): NetNamespace {
  if (process.getuid?.() !== 0)
    throw new Error('a network namespace needs root: run this test as root (sudo), on a machine with iproute2 (apt-get install iproute2)');
  const name = `fieldgate-${process.pid}`;
  const at = (process.pid % 16_384) * 4;
  const address = (offset: number): string => `${NETWORK}.${at >> 8}.${(at & 255) + offset}`;
  const [outer, inner] = [`fg${process.pid}o`, `fg${process.pid}i`];
  const inside = (...args: string[]): void => ip('-n', name, ...args);
  ip('netns', 'add', name);
  try {
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
    ip('address', 'add', `${address(1)}/30`, 'dev', outer);
    ip('link', 'set', outer, 'up');
    inside('address', 'add', `${address(2)}/30`, 'dev', inner);
    inside('link', 'set', 'lo', 'up');
    inside('link', 'set', inner, 'up');
  } catch (error) {
    remove();
    throw error;
  }
  function remove(): void {
    spawnSync('ip', ['link', 'delete', outer], { stdio: 'ignore' });
    spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  }
  return {
    hostAddress: address(1),
    within: ['ip', 'netns', 'exec', name],
    // inside, so that this end keeps its route and only loses its carrier
    setLink: (state) => inside('link', 'set', inner, state),
    [Symbol.dispose]: remove,
  };
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error('there is no `ip` on this machine: apt-get install iproute2', { cause: error });
  if (status !== 0)
    throw new Error(`ip ${args.join(' ')}: ${stderr.trim()} (a network namespace needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN)`);
}
