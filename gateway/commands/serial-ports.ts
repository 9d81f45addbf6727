// fieldgate serial ports: what is attached to this machine, and what the gateway's ports are doing.

import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import type { LoadedConfig } from '../load-config.ts';
import type { SerialPortView } from '../protocol/rest.ts';
import { type AttachedPort, listPorts } from '../transports/serial/port-list.ts';
import { type Cli, type CommandSpec, configOf, type Given, JSON_OPTION } from './cli.ts';
import { openControl } from './control.ts';
import { printList } from './output.ts';

/** A port that the gateway is to read. */
type Read = Pick<SerialPortView, 'path' | 'device'> & Partial<Pick<SerialPortView, 'id' | 'origin' | 'bridge' | 'state' | 'reason'>>;
type Row = AttachedPort & {
  readonly device: string | null;
  readonly id: string | null;
  readonly origin: string | null;
  /** null: no gateway runs that could tell. */
  readonly state: string | null;
  readonly reason: string;
};

export const PORTS: CommandSpec = {
  name: 'ports',
  says: 'what is attached, which device reads each port, and how that is going',
  options: [JSON_OPTION],
  run: async (cli, { options }: Given<{ json?: boolean }>) => {
    const loaded = configOf(cli, options);
    const rows = await rowsOf(await listPorts(), await readPorts(cli, loaded));
    printList(cli, {
      rows,
      json: options.json,
      empty: 'no serial port is attached, and none is set up',
      columns: [
        { title: 'PATH', cell: (row) => row.path },
        { title: 'NAME', cell: (row) => row.name },
        { title: 'WHAT', cell: (row) => [row.manufacturer, row.product].filter((text) => text !== '').join(' ') },
        { title: 'DEVICE', cell: (row) => row.device },
        { title: 'STATE', cell: (row) => [row.state ?? '', row.reason].filter((text) => text !== '').join(': ') },
        { title: 'SET IN', cell: (row) => row.origin },
        { title: 'ID', cell: (row) => row.id },
      ],
    });
  },
};

/** From the gateway, running or not; what only the file says where there is no data directory yet, or it may not be asked. */
async function readPorts(cli: Cli, loaded: LoadedConfig): Promise<readonly Read[]> {
  const { config } = loaded;
  const inFile = config.serial.ports.map(({ path, device }): Read => ({ path, device, origin: 'file' }));
  if (!existsSync(config.data)) return inFile;
  try {
    const control = await openControl({ config, origin: loaded, env: cli.env, say: cli.say, mayCreate: false, running: null });
    try {
      return await control.list<SerialPortView>('/v1/serial');
    } finally {
      await control.close();
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    cli.say(`only what the configuration file sets is shown: ${error.message}`);
    return inFile;
  }
}

async function rowsOf(attached: readonly AttachedPort[], ports: readonly Read[]): Promise<Row[]> {
  const real = (path: string): Promise<string> => realpath(path).catch(() => path);
  const own = new Map<string, Read>();
  for (const port of ports) if (isReader(port)) own.set(await real(port.path), port);
  const rows: Row[] = [];
  for (const port of attached) {
    const key = await real(port.name);
    rows.push(rowOf(port, own.get(key)));
    own.delete(key);
  }
  // set up, and not plugged in; or on another box
  const others = [...own.values(), ...ports.filter((port) => !isReader(port))];
  return [
    ...rows,
    ...others.map((port) => rowOf({ ...NOTHING, path: port.path, product: isHere(port) ? '' : `at bridge ${port.bridge ?? ''}` }, port)),
  ];
}

const NOTHING: AttachedPort = { name: '', path: '', manufacturer: '', product: '', serialNumber: '' };

function isHere({ bridge = null }: Read): boolean {
  return bridge === null;
}
/** A replay has the path of the port that was captured, and reads none. */
function isReader({ bridge = null, origin }: Read): boolean {
  return bridge === null && origin !== 'replay';
}

function rowOf(attached: AttachedPort, port: Read | undefined): Row {
  const { device = null, id = null, origin = null, state = null, reason = '' } = port ?? {};
  return { ...attached, device, id, origin, state, reason };
}
