// Tells when a port may have come (back): watches the folders in which its path, and what that links to, would appear. Only a hint: what
// cannot be watched is found by trying again.

import { type FSWatcher, lstatSync, readlinkSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

export interface PortWatch {
  /** Looks again which folders there are; they come and go with the ports in them. */
  arm(): void;
  close(): void;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** A folder that was made anew has the same path, and nobody watches it. */
  readonly inode: number;
  readonly names: Set<string>;
}

/** A link to a link to a port is one too many already. */
const MAX_LINKS = 4;

export function createPortWatch(path: string, onSign: () => void): PortWatch {
  const watched = new Map<string, Watched>();

  function drop(folder: string): void {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  }

  function arm(): void {
    const wanted = new Map<string, Set<string>>();
    for (const target of linksOf(path)) {
      const { folder, name } = nearestFolder(target);
      wanted.set(folder, (wanted.get(folder) ?? new Set()).add(name));
    }
    for (const [folder, { inode }] of watched) if (!wanted.has(folder) || inodeOf(folder) !== inode) drop(folder);
    for (const [folder, names] of wanted) {
      const known = watched.get(folder);
      if (known !== undefined) {
        known.names.clear();
        for (const name of names) known.names.add(name);
        continue;
      }
      const inode = inodeOf(folder);
      if (inode === null) continue;
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          if (name === null || names.has(name)) onSign();
        });
        watcher.on('error', () => drop(folder));
        watched.set(folder, { watcher, inode, names });
      } catch {
        // no inotify left, or a folder that may not be read: the port is tried again all the same
      }
    }
  }

  return {
    arm,
    close() {
      for (const folder of [...watched.keys()]) drop(folder);
    },
  };
}

/** The path, and what it links to, whether that is there or not. */
function linksOf(path: string): string[] {
  const found = [path];
  for (let last = path; found.length <= MAX_LINKS; found.push(last)) {
    try {
      last = resolve(dirname(last), readlinkSync(last));
    } catch {
      break;
    }
  }
  return found;
}

/** The folder where the path's next missing part would appear, and that part's name. */
function nearestFolder(path: string): { folder: string; name: string } {
  let folder = dirname(path);
  let name = basename(path);
  while (inodeOf(folder) === null && folder !== dirname(folder)) {
    name = basename(folder);
    folder = dirname(folder);
  }
  return { folder, name };
}

/** null: it is not there, or not for us; why, is told when the port is opened. */
function inodeOf(path: string): number | null {
  try {
    return lstatSync(path).ino;
  } catch {
    return null;
  }
}
