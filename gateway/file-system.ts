// What kind of file system a folder is on, as far as it decides whether a database may live there. Linux only: elsewhere the numbers differ.

import { statfsSync } from 'node:fs';

/** `network`: locks and memory maps cannot be relied on. `memory`: gone at the next boot. */
export type FileSystemKind = 'disk' | 'network' | 'memory';

/** The numbers that statfs gives. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x5346414f: 'AFS',
};
const MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]); // tmpfs, ramfs

export interface FileSystem {
  readonly kind: FileSystemKind;
  /** For a sentence; '' where nobody needs it. */
  readonly name: string;
}
export type FileSystemType = (folder: string) => number | null;

export const fileSystemType: FileSystemType = (folder) => (process.platform === 'linux' ? statfsSync(folder).type : null);

export function fileSystemOf(type: number | null): FileSystem {
  if (type === null) return { kind: 'disk', name: '' };
  const network = NETWORK[type];
  if (network !== undefined) return { kind: 'network', name: network };
  return MEMORY.has(type) ? { kind: 'memory', name: 'tmpfs' } : { kind: 'disk', name: '' };
}
