// A serial sensor on a plug: a folder that looks like /dev, in which its port comes and goes under changing names, while the link in
// serial/by-id keeps its own.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPseudoTerminal, type PseudoTerminal, sensorPathOf } from '../../device-sim/pseudo-terminal.ts';

export interface SerialPlug extends AsyncDisposable {
  /** The link that stays the same: …/serial/by-id/usb-sensor-if00. Its folders go with it, as udev does it. */
  readonly path: string;
  /** …/ttyUSB0, or what it is called at the moment. */
  readonly devicePath: string;
  /** The sensor's end, for a thread that speaks by itself. */
  readonly sensorPath: string;
  /** What the line could not take, since the beginning. */
  readonly lostBytes: number;
  /** As a wire does it: what does not fit at once is lost, and counted. Says how many bytes were taken. */
  say(bytes: Uint8Array | string): number;
  /** As a test likes it: waits until the line has taken everything. Rejects when nothing was taken for `patienceMs`. */
  sayAll(bytes: Uint8Array | string, patienceMs?: number): Promise<void>;
  /** What the gateway has written to the sensor since the last call. */
  receive(): Buffer;
  /** The line hangs up and its names are gone. What is said meanwhile is lost. */
  unplug(): Promise<void>;
  /** Under `name` in the folder; the link in serial/by-id points there. */
  replug(name?: string): Promise<void>;
  /** Whether users other than root may open the port. */
  allow(isAllowed: boolean): void;
}

const PATIENCE_MS = 30_000;

/** `id` is the last part of the stable name, `name` the first of the changing ones; several may share one `folder`. */
export async function plugSerial({ id = 'usb-sensor-if00', name = 'ttyUSB0', folder = '' } = {}): Promise<SerialPlug> {
  const own = folder === '' ? realpathSync(mkdtempSync(join(tmpdir(), 'fieldgate-dev-'))) : null;
  const dev = own ?? folder;
  // a gateway under another user looks in here
  if (own !== null) chmodSync(own, 0o755);
  const path = join(dev, 'serial', 'by-id', id);
  let devicePath = join(dev, name);
  let terminal: PseudoTerminal | null = null;
  let lostBytes = 0;

  const unplug = async () => {
    const gone = terminal;
    terminal = null;
    rmSync(path, { force: true });
    for (const empty of [dirname(path), dirname(dirname(path))]) removeIfEmpty(empty);
    await gone?.close();
  };
  const replug = async (as: string) => {
    await unplug();
    devicePath = join(dev, as);
    terminal = await openPseudoTerminal(devicePath);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join('..', '..', as), path);
  };
  const offer = (bytes: Uint8Array) => terminal?.offer(bytes) ?? 0;
  await replug(name);
  return {
    path,
    get devicePath() {
      return devicePath;
    },
    get sensorPath() {
      return sensorPathOf(devicePath);
    },
    get lostBytes() {
      return lostBytes;
    },
    say(said) {
      const bytes = Buffer.from(said as string);
      const taken = offer(bytes);
      lostBytes += bytes.byteLength - taken;
      return taken;
    },
    async sayAll(said, patienceMs = PATIENCE_MS) {
      let rest = Buffer.from(said as string);
      let takenAtMs = performance.now();
      while (rest.byteLength > 0) {
        const taken = offer(rest);
        rest = rest.subarray(taken);
        if (taken > 0) takenAtMs = performance.now();
        else if (performance.now() - takenAtMs > patienceMs) throw new Error(`${path}: nobody took ${rest.byteLength} bytes`);
        else await sleep(1);
      }
    },
    receive: () => terminal?.receive() ?? Buffer.alloc(0),
    unplug,
    replug: (as = name) => replug(as),
    allow: (isAllowed) => chmodSync(devicePath, isAllowed ? 0o666 : 0o600),
    async [Symbol.asyncDispose]() {
      await unplug();
      if (own !== null) rmSync(own, { recursive: true, force: true });
    },
  };
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}
