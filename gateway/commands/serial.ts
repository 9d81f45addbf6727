// fieldgate serial …: the serial ports of this machine.

import { realpath } from 'node:fs/promises';
import { listPorts } from '../transports/serial/port-list.ts';
import { type CommandSpec, configOf, type Given, type GroupSpec, JSON_OPTION } from './cli.ts';
import { printList } from './output.ts';

const ports: CommandSpec = {
  name: 'ports',
  says: 'what is attached, and which device each port is in the configuration',
  options: [JSON_OPTION],
  run: async (cli, { options }: Given<{ json?: boolean }>) => {
    const { config } = configOf(cli, options);
    const attached = await listPorts();
    const real = (path: string): Promise<string> => realpath(path).catch(() => path);
    const devices = new Map<string, string>();
    for (const { path, device } of config.serial.ports) devices.set(await real(path), device);
    const rows = await Promise.all(attached.map(async (port) => ({ ...port, device: devices.get(await real(port.name)) ?? null })));
    printList(cli, {
      rows,
      json: options.json,
      empty: 'no serial port is attached',
      columns: [
        { title: 'PATH', cell: (row) => row.path },
        { title: 'NAME', cell: (row) => row.name },
        { title: 'WHAT', cell: (row) => [row.manufacturer, row.product].filter((text) => text !== '').join(' ') },
        { title: 'DEVICE', cell: (row) => row.device },
      ],
    });
  },
};

export const SERIAL: GroupSpec = { name: 'serial', says: 'serial ports of this machine', commands: [ports] };
