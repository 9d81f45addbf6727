// A bridge: the serial ports of this box, read as a gateway reads them and sent to one elsewhere. What was read is in a file before the
// thread that reads gets its credit back.

import { hostname } from 'node:os';
import { join } from 'node:path';
import { openBridgeDevice } from './bridge-device.ts';
import { readBridgeTokens } from './bridge-tokens.ts';
import { openTarget, refuseUncheckedTls } from './client/target.ts';
import type { Config } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import { EXIT, Failure } from './failure.ts';
import type { Log } from './observe.ts';
import { openPinoObserve } from './pino-observe.ts';
import type { Clock } from './protocol/device-socket.ts';
import { VERSION } from './release.ts';
import { createSerialPorts } from './transports/serial/serial.ts';

export interface RunningBridge {
  readonly log: Log;
  /** Of the gateway. */
  readonly url: string;
  readonly ports: number;
  /** Resolves when it cannot go on as it was set up. */
  readonly broken: Promise<Failure>;
  /** Reads the token file again. */
  reload(): void;
  /** Closes the ports; what was read is in the buffers. Idempotent. */
  stop(): Promise<void>;
  closeLog(): Promise<void>;
}
export interface BridgeAsk {
  readonly config: Config;
  readonly url: string;
  readonly tokenFile: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly name?: string;
  readonly env: NodeJS.ProcessEnv;
}

const TICK_MS = 1000;
/** A token that was not taken may have been replaced. */
const TOKEN_TICKS = 10;
/** Ports that take longer to open are opened all the same, after the bridge has said that it is ready. */
const OPENING_MS = 5000;
const NAME_CHARS = 64;

export async function runBridge(ask: BridgeAsk): Promise<RunningBridge> {
  process.umask(0o077);
  refuseUncheckedTls(ask.env);
  const { config } = ask;
  const { ports } = config.serial;
  if (ports.length === 0)
    throw new Failure(EXIT.configuration, 'there are no ports to read: a bridge needs serial.ports in its configuration (--config FILE)');
  const target = openTarget({ url: ask.url, ca: ask.ca, insecure: ask.insecure });
  const names = [...new Set(ports.map((port) => port.device))];
  await using undo = new AsyncDisposableStack();
  const observe = await openPinoObserve(config.log);
  undo.defer(observe.close);
  const { log } = observe;
  const tokens = readBridgeTokens(ask.tokenFile, names, (text) => log.warn({}, text));
  const directory = openDataDirectory(config.data);
  undo.defer(async () => directory.close());
  log.info({ version: VERSION, data: config.data, url: target.wsUrl, devices: names, pid: process.pid }, 'starting');
  if (!target.rejectUnauthorized) log.warn({}, 'INSECURE: it is not checked whom the tokens and readings are sent to (--insecure)');
  if (directory.isInMemory) log.warn({ data: config.data }, 'the data directory is in memory (tmpfs): the buffers do not survive a reboot');

  const { promise: broken, resolve: breakDown } = Promise.withResolvers<Failure>();
  const { bufferBytes, syncMs } = config.bridge;
  const devices = new Map(
    names.map((device) => {
      const opened = openBridgeDevice({
        device,
        token: tokens.get(device)!,
        target,
        folder: join(config.data, 'buffers'),
        bufferBytes: Math.floor(bufferBytes / names.length),
        syncMs,
        clock: CLOCK,
        software: `fieldgate-bridge ${VERSION}`,
        bridge: bridgeName(ask.name),
        log,
        views: () => serial.views().filter((view) => view.device === device),
        onWrongDevice: (actual) =>
          breakDown(
            new Failure(
              EXIT.configuration,
              `the token is that of the device ${actual}, but ports of the configuration name ${device}: set device: ${actual} there, or put a token of ${device} into ${ask.tokenFile}`,
            ),
          ),
      });
      undo.defer(async () => opened.close());
      return [device, opened];
    }),
  );

  const opening = new Set(ports.map(({ path }) => path));
  const { promise: opened, resolve: allOpened } = Promise.withResolvers<void>();
  const serial = createSerialPorts({
    limits: config.limits,
    observe,
    sink: {
      store: async (device, frames) => devices.get(device)!.store(frames),
      follow(_device, path, absence) {
        if (absence !== 'opening') opening.delete(path);
        if (opening.size === 0) allOpened();
      },
      // a gateway keeps the events of its ports; here the log has them
      recordEvent: () => undefined,
    },
  });
  const drainMs = config.limits.drainSeconds * 1000;
  undo.defer(() => serial.stop(drainMs));
  for (const settings of ports) serial.put({ id: settings.path, origin: 'file', settings });
  serial.start();
  const patience = setTimeout(allOpened, OPENING_MS);
  await opened;
  clearTimeout(patience);
  for (const device of devices.values()) device.start();

  function reload(): void {
    try {
      for (const [device, token] of readBridgeTokens(ask.tokenFile, names, (text) => log.debug({}, text)))
        devices.get(device)?.useToken(token);
    } catch (error) {
      log.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'The token file cannot be used; the tokens stay as they were',
      );
    }
  }
  let ticks = 0;
  const timer = setInterval(() => {
    for (const device of devices.values()) device.tick();
    if (++ticks % TOKEN_TICKS === 0 && Array.from(devices.values()).some((device) => device.isRefused)) reload();
  }, TICK_MS);
  undo.defer(async () => clearInterval(timer));

  const closers = undo.move();
  let stopping: Promise<void> | undefined;
  return {
    log,
    url: target.wsUrl,
    ports: ports.length,
    broken,
    reload,
    stop() {
      stopping ??= closers.disposeAsync();
      return stopping;
    },
    closeLog: observe.close,
  };
}

const CLOCK: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** As people call this box. */
function bridgeName(asked: string | undefined): string {
  return (asked ?? hostname()).replaceAll(/\p{Cc}/gu, '').slice(0, NAME_CHARS) || 'bridge';
}
