// A whole gateway in this process, with everything that is said around it: what `start` and `demo` share.

import { flushCompileCache } from 'node:module';
import type { Config } from './config.ts';
import type { ConfigOrigin } from './config-view.ts';
import { buildConsole, type ConsoleBuild } from './console-build.ts';
import { type FetchLocal, openControlSocket } from './control-socket.ts';
import { openDataDirectory } from './data-directory.ts';
import { EXIT, Failure } from './failure.ts';
import { startGateway } from './gateway.ts';
import { memoryBudget } from './memory-budget.ts';
import type { Log } from './observe.ts';
import { openPinoObserve } from './pino-observe.ts';
import { VERSION } from './release.ts';
import { openFileLimit } from './runtime-checks.ts';

export interface RunningGateway {
  readonly url: string;
  readonly log: Log;
  readonly fetchLocal: FetchLocal;
  /** Looks at the certificate files now. */
  reload(): void;
  /** Drains and lets everything go; idempotent. */
  stop(): Promise<void>;
  /** Lets the last lines out. */
  closeLog(): Promise<void>;
}
export interface RunAsk {
  readonly config: Config;
  /** The file that was read, for the log. */
  readonly file: string | null;
  /** Where the values are from; left out: from whoever calls. */
  readonly origin?: ConfigOrigin;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const MIB = 1024 * 1024;
/** Files beside the sockets: databases, their WALs, the listening port, the log, threads. */
const OTHER_FILES = 256;
const FEWEST_FILES = 512;

/** Holds the directory's lock from before the first file is opened until after the last one is closed. */
export async function runGateway(ask: RunAsk): Promise<RunningGateway> {
  // everything below the data directory is 0600 from its first byte on
  process.umask(0o077);
  const config = withFileLimit(ask.config, openFileLimit());
  await using undo = new AsyncDisposableStack();
  const observe = await openPinoObserve(config.log);
  undo.defer(observe.close);
  const { log } = observe;
  const directory = openDataDirectory(config.data);
  undo.defer(async () => directory.close());
  announce({ ...ask, config }, ask.config.limits.devices, log);
  if (directory.isInMemory)
    log.warn({ data: config.data }, 'the data directory is in memory (tmpfs): what is acknowledged does not survive a reboot');
  tellConsole(await buildConsole(ask.say), log);
  observe.gauge('insecure', '1 when everything travels in clear text beyond this machine', () => (isInsecure(config) ? 1 : 0));

  const gateway = await startGateway(config, observe, { origin: ask.origin });
  undo.defer(gateway.stop);
  const control = await openControlSocket({ dataDir: config.data, fetchLocal: gateway.fetchLocal, env: ask.env, log });
  undo.defer(control.close);
  const { url, fingerprint } = gateway;
  log.info({ url, ...(fingerprint === null ? {} : { fingerprint }) }, 'accepting connections');

  undo.move();
  // kept now: a gateway that is killed would leave its next start as slow as this one
  flushCompileCache();
  let stopping: Promise<void> | undefined;
  return {
    url,
    log,
    fetchLocal: gateway.fetchLocal,
    reload: gateway.reload,
    stop() {
      // together: captures and replays last as long as their clients listen, and are ended by draining
      stopping ??= Promise.all([control.close(), gateway.drain()])
        .then(gateway.stop)
        .finally(() => directory.close());
      return stopping;
    },
    closeLog: observe.close,
  };
}

/** Each device is a file; where the system allows fewer, fewer devices are let in. */
function withFileLimit(config: Config, files: number | null): Config {
  if (files === null) return config;
  if (files < FEWEST_FILES)
    throw new Failure(
      EXIT.configuration,
      `ulimit -n is ${files}; at least ${FEWEST_FILES} open files are needed: raise it (ulimit -n 8192, LimitNOFILE=8192)`,
    );
  const devices = Math.min(config.limits.devices, files - OTHER_FILES);
  return { ...config, limits: { ...config.limits, devices } };
}

function isInsecure(config: Config): boolean {
  return config.insecure && config.tls === 'off';
}

function announce({ config, file }: RunAsk, devicesAsked: number, log: Log): void {
  const { data, http, limits } = config;
  log.info({ version: VERSION, node: process.versions.node, data, config: file ?? 'none', pid: process.pid }, 'starting');
  const { cap, ...parts } = memoryBudget(limits);
  const mib = Object.fromEntries(Object.entries({ ...parts, cap }).map(([name, bytes]) => [`${name}MiB`, Math.round(bytes / MIB)]));
  log.info(mib, 'memory budget with everything full');
  if (limits.devices < devicesAsked)
    log.warn(
      { devices: limits.devices, asked: devicesAsked },
      'limits.devices was lowered to what ulimit -n allows; raise that (LimitNOFILE=)',
    );
  if (isInsecure(config))
    log.warn({ host: http.host }, 'INSECURE: tls is off and insecure is true; tokens, passwords and readings travel in clear text');
  if (process.getuid?.() === 0) log.warn({}, 'running as root; a user of its own is enough');
}

function tellConsole(build: ConsoleBuild, log: Log): void {
  if (build === 'built') log.info({}, 'the console was built');
  if (build === 'no-sources') log.warn({}, 'there is no console: web/ is not part of this installation');
  if (build === 'no-vite')
    log.warn({}, 'the console is not built, because vite is not installed (npm ci brings it); the API works without');
  if (build === 'failed') log.error({}, 'the console could not be built; see the lines above. The API works without');
}
