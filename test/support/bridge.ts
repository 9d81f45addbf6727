// A bridge as a process of its own on a folder of its own: its configuration, token file and buffers.

import { type CliOptions, createFolder, type RunningCli, startCli, type TestFolder } from './cli-process.ts';

export interface BridgeSetup {
  readonly url: string;
  readonly caPem: string;
  /** One token, or the lines of a token file. */
  readonly tokens: string;
  /** Of the configuration. */
  readonly ports: readonly object[];
  readonly bridge?: object;
  /** More of the command line. */
  readonly args?: readonly string[];
}
export interface TestBridge extends AsyncDisposable {
  readonly folder: TestFolder;
  readonly cli: RunningCli;
  readonly isRunning: boolean;
  start(options?: Omit<CliOptions, 'cwd'>): RunningCli;
  /** Starts and waits until it reads its ports. */
  run(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Where `bridge-tap.ts` writes. */
export const MANIFEST_VARIABLE = 'TEST_BRIDGE_MANIFEST';

/** A line of `value,…` a reading; the path and the device are the port's own. */
export function linePort(path: string, device: string): object {
  return { path, baudRate: 115_200, device, framing: 'line', rule: { kind: 'csv', columns: [{ metric: 'value' }] } };
}

export function setUpBridge({ url, caPem, tokens, ports, bridge, args = [] }: BridgeSetup): TestBridge {
  const folder = createFolder();
  folder.file('token', tokens);
  folder.file('ca.crt', caPem);
  // JSON is YAML
  folder.file('fieldgate.yaml', JSON.stringify({ serial: { ports }, ...(bridge && { bridge }), log: { format: 'json' } }));
  let cli: RunningCli | null = null;
  const self: TestBridge = {
    folder,
    get cli() {
      if (cli === null) throw new Error('the bridge was not started');
      return cli;
    },
    get isRunning() {
      return cli !== null && cli.process.exitCode === null && cli.process.signalCode === null;
    },
    start(options = {}) {
      const trust = caPem === '' ? [] : ['--ca', 'ca.crt'];
      cli = startCli(['bridge', '--url', url, '--token-file', 'token', ...trust, ...args], { ...options, cwd: folder.path });
      return cli;
    },
    async run() {
      await self.start().until('stdout', /^ready .+$/m);
    },
    async kill(signal) {
      if (cli === null) return null;
      cli.process.kill(signal);
      return (await cli.ended).code;
    },
    async [Symbol.asyncDispose]() {
      await cli?.[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
  return self;
}
