// fieldgate bridge: reads the serial ports of this box for a gateway on another one. One line on stdout when the ports are being read;
// everything else is the log.

import { resolve } from 'node:path';
import { type CommandSpec, configOf, type Given } from './cli.ts';
import { stopWithin, untilAskedToStop } from './start.ts';

interface BridgeOptions {
  readonly url: string;
  readonly tokenFile: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly name?: string;
}

/** Beyond the drain: closing files, ending the thread. */
const GRACE_MS = 3000;
const DATA = 'bridge-data';

export const BRIDGE: CommandSpec = {
  name: 'bridge',
  says: 'read the serial ports of this box for a gateway on another one',
  options: [
    { flags: '--url <url>', says: 'the gateway: wss://HOST:PORT', isRequired: true },
    { flags: '--token-file <file>', says: 'a token, or lines DEVICE TOKEN', isRequired: true },
    { flags: '--ca <file>', says: "the gateway's CA certificate (GET /ca.crt)" },
    { flags: '--insecure', says: 'does NOT check whom it talks to' },
    { flags: '--name <name>', says: 'what this box is called in the list of ports; its host name when not said' },
  ],
  run: async (cli, { options }: Given<BridgeOptions>) => {
    const { config, sources } = configOf(cli, options);
    // beside a gateway's own directory, in a folder that nobody chose
    const data = sources.get('data') === 'default' ? resolve(cli.cwd, DATA) : config.data;
    const { runBridge } = await import('../bridge.ts');
    const bridge = await runBridge({
      ...options,
      config: { ...config, data },
      tokenFile: resolve(cli.cwd, options.tokenFile),
      ca: options.ca === undefined ? undefined : resolve(cli.cwd, options.ca),
      env: cli.env,
    });
    const asked = untilAskedToStop(bridge);
    cli.out(`ready ${bridge.ports} ${bridge.ports === 1 ? 'port' : 'ports'} for ${bridge.url}`);
    const end = await Promise.race([asked, bridge.broken]);
    bridge.log.info(typeof end === 'string' ? { signal: end } : {}, 'stopping; once more (Ctrl-C) to end at once');
    const code = await stopWithin(bridge, config.limits.drainSeconds * 1000 + GRACE_MS);
    if (typeof end === 'string') process.exit(code);
    throw end;
  },
};
