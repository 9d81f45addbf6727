// The serial ports that are attached to this machine, as Linux shows them in its folders: no tool and no right is needed.

import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AttachedPort {
  /** What it is called until it is plugged in again. */
  readonly name: string;
  /** What it is always called; where nothing is, as `name`. */
  readonly path: string;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber: string;
}

const UNUSED_TYPE = '0';
/** From the port up to its USB device; what is further away is a hub. */
const USB_LEVELS = 4;

export async function listPorts({ dev = '/dev', sys = '/sys' } = {}): Promise<AttachedPort[]> {
  const stable = await stablePaths(join(dev, 'serial/by-id'));
  const ports: AttachedPort[] = [];
  for (const tty of await namesIn(join(sys, 'class/tty'))) {
    const folder = await realpath(join(sys, 'class/tty', tty, 'device')).catch(() => null);
    if (folder === null) continue;
    // boards declare serial ports that nobody built in
    if ((await textOf(join(sys, 'class/tty', tty, 'type'))) === UNUSED_TYPE) continue;
    const name = join(dev, tty);
    ports.push({ name, path: stable.get(tty) ?? name, ...(await usbFacts(folder)) });
  }
  return ports.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function stablePaths(folder: string): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    paths.set(basename(await readlink(path).catch(() => '')), path);
  }
  return paths;
}

async function usbFacts(port: string): Promise<Omit<AttachedPort, 'name' | 'path'>> {
  for (let folder = port, level = 0; level < USB_LEVELS; folder = dirname(folder), level++) {
    const product = await textOf(join(folder, 'product'));
    if (product === '') continue;
    return { product, manufacturer: await textOf(join(folder, 'manufacturer')), serialNumber: await textOf(join(folder, 'serial')) };
  }
  return { product: '', manufacturer: '', serialNumber: '' };
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
async function textOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}
