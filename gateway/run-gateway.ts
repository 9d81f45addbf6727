// A whole gateway in this process, with everything that is said around it: what `start` and `demo` share.

import type { Config } from './config.ts';
import { buildConsole, type ConsoleBuild } from './console-build.ts';
import type { FetchLocal } from './control-socket.ts';
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
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const MIB = 1024 * 1024;
/** Files beside the sockets: databases, their WALs, the listening port, the log, threads. */
const OTHER_FILES = 256;
const FEWEST_FILES = 512;

export async function runGateway(ask: RunAsk): Promise<RunningGateway> {
  // everything below the data directory is 0600 from its first byte on
  process.umask(0o077);
  const config = withFileLimit(ask.config, openFileLimit());
  const observe = await openPinoObserve(config.log);
  const { log } = observe;
  try {
    announce(config, ask, log);
    if (config.limits.devices < ask.config.limits.devices)
      log.warn(
        { devices: config.limits.devices, asked: ask.config.limits.devices },
        'limits.devices was lowered to what ulimit -n allows; raise that (LimitNOFILE=)',
      );
    tellConsole(await buildConsole(ask.say), log);
    observe.gauge('insecure', '1 when everything travels in clear text beyond this machine', () =>
      config.insecure && config.tls === 'off' ? 1 : 0,
    );
    const gateway = await startGateway(config, observe);
    if (gateway.fingerprint !== null) log.info({ url: gateway.url, fingerprint: gateway.fingerprint }, 'accepting connections');
    else log.info({ url: gateway.url }, 'accepting connections, without TLS');
    if (gateway.setupCode !== null)
      log.warn(
        { setupCode: gateway.setupCode, minutes: config.limits.setupMinutes },
        'nobody can sign in yet: open the console and enter this one-time set-up code',
      );
    return { url: gateway.url, log, fetchLocal: gateway.fetchLocal, reload: gateway.reload, stop: gateway.stop, closeLog: observe.close };
  } catch (error) {
    await observe.close();
    throw error;
  }
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

function announce(config: Config, ask: RunAsk, log: Log): void {
  const mib = (bytes: number): number => Math.round(bytes / MIB);
  const budget = memoryBudget(config.limits);
  log.info({ version: VERSION, node: process.versions.node, data: config.data, config: ask.file ?? 'none', pid: process.pid }, 'starting');
  log.info(
    {
      baseMiB: mib(budget.base),
      devicesMiB: mib(budget.devices),
      outboxesMiB: mib(budget.outboxes),
      inFlightMiB: mib(budget.inFlight),
      admissionMiB: mib(budget.admission),
      cachesMiB: mib(budget.caches),
      totalMiB: mib(budget.total),
      capMiB: mib(budget.cap),
    },
    'memory budget with everything full',
  );
  if (config.insecure && config.tls === 'off')
    log.warn({ host: config.http.host }, 'INSECURE: tls is off and insecure is true; tokens, passwords and readings travel in clear text');
  if (process.getuid?.() === 0) log.warn({}, 'running as root; a user of its own is enough');
}

function tellConsole(build: ConsoleBuild, log: Log): void {
  if (build === 'built') log.info({}, 'the console was built');
  if (build === 'no-sources') log.warn({}, 'there is no console: web/ is not part of this installation');
  if (build === 'no-vite')
    log.warn({}, 'the console is not built, because vite is not installed (npm ci brings it); the API works without');
  if (build === 'failed') log.error({}, 'the console could not be built; see the lines above. The API works without');
}
