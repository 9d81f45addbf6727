// fieldgate serial add, set, remove: ports that the gateway reads from now on, otherwise, or no more; without a restart.

import { readYaml } from '../config-file.ts';
import { EXIT, Failure } from '../failure.ts';
import type { SerialPart, SerialPortBody, SerialPortView } from '../protocol/rest.ts';
import { type CommandSpec, controlled, duration, type OptionSpec, usage, wholeBetween } from './cli.ts';
import type { Control } from './control.ts';

interface PortOptions {
  readonly path?: string;
  readonly device?: string;
  readonly baud?: number;
  readonly dataBits?: number;
  readonly stopBits?: number;
  readonly parity?: string;
  readonly flowControl?: string;
  readonly framing?: string | SerialPart;
  readonly rule?: string | SerialPart;
  readonly expectEvery?: number | 'off';
}

const DEVICE: OptionSpec = { flags: '--device <id>', says: 'whose readings they are; it is made when there is none' };
const BAUD: OptionSpec = { flags: '--baud <rate>', says: 'the speed, such as 9600', read: wholeBetween(50, 4_000_000) };
const OPTIONS: readonly OptionSpec[] = [
  { flags: '--framing <framing>', says: 'line, nmea, …, or "{kind: fixed, lengthBytes: 8}"', read: part },
  { flags: '--rule <rule>', says: 'nmea, json, …, or "{kind: csv, columns: [{metric: level, unit: m}]}"', read: part },
  { flags: '--data-bits <n>', says: '5 to 8', read: wholeBetween(5, 8) },
  { flags: '--stop-bits <n>', says: '1 or 2', read: wholeBetween(1, 2) },
  { flags: '--parity <parity>', says: 'none when not given', choices: ['none', 'even', 'odd'] },
  { flags: '--flow-control <kind>', says: 'none when not given', choices: ['none', 'rts-cts', 'xon-xoff'] },
  {
    flags: '--expect-every <duration>',
    says: 'how often something should come at least, such as 10s; off for never mind',
    read: (text) => (text === 'off' ? 'off' : duration(text)),
  },
];

export const ADD: CommandSpec = {
  name: 'add',
  says: 'read one more serial port; prints its id',
  args: ['path'],
  options: [{ ...DEVICE, isRequired: true }, { ...BAUD, isRequired: true }, ...OPTIONS],
  run: controlled<PortOptions>(
    async (cli, control, { args: [path], options }) => {
      const port = await control.ask<SerialPortView>('POST', '/v1/serial', { path, ...bodyOf(options) });
      cli.out(port.id);
      cli.say(`${port.path} is read for ${port.device}${port.state === 'closed' ? ' when the gateway starts' : ' from now on'}`);
    },
    { mayCreate: true },
  ),
};

export const SET: CommandSpec = {
  name: 'set',
  says: 'change a serial port, which is opened anew; PORT is its id, its path or its device',
  args: ['port'],
  options: [{ flags: '--path <path>', says: 'another port' }, DEVICE, BAUD, ...OPTIONS],
  run: controlled<PortOptions>(async (cli, control, { args: [name = ''], options }) => {
    const changes = bodyOf(options);
    if (Object.keys(changes).length === 0) throw usage('nothing to set: say for instance --baud 4800 (see --help)');
    const { id, settings, path } = await portOf(control, name);
    const before: SerialPortBody = settings ?? { path };
    // what a framing makes of its rule is its own business: with another one the old rule may be too much
    const rule = isModbus(changes.framing) && changes.rule === undefined ? { rule: null } : {};
    await control.ask('PUT', `/v1/serial/${encodeURIComponent(id)}`, { ...before, ...changes, ...rule });
    cli.say(`changed ${changes.path ?? path}`);
  }),
};

export const REMOVE: CommandSpec = {
  name: 'remove',
  says: 'read a serial port no more; its device and readings stay. PORT is its id, its path or its device',
  args: ['port'],
  run: controlled(async (cli, control, { args: [name = ''] }) => {
    const { id, path, device } = await portOf(control, name);
    await control.ask('DELETE', `/v1/serial/${encodeURIComponent(id)}`);
    cli.say(`${path} is read no more${device === '' ? '' : `; ${device} and its readings stay`}`);
  }),
};

async function portOf(control: Control, name: string): Promise<SerialPortView> {
  const ports = await control.list<SerialPortView>('/v1/serial');
  const found = ports.filter(({ id, path, device, origin }) => origin !== 'replay' && (id === name || path === name || device === name));
  if (found.length > 1)
    throw new Failure(EXIT.failed, `several ports are called so: name one by its id, ${found.map(({ id }) => id).join(' or ')}`);
  if (found[0] === undefined) throw new Failure(EXIT.failed, 'no such port; see: fieldgate serial ports');
  return found[0];
}

function bodyOf({ path, device, baud, dataBits, stopBits, parity, flowControl, framing, rule, expectEvery }: PortOptions): SerialPortBody {
  const every = expectEvery === 'off' ? null : expectEvery;
  const given = { path, device, baudRate: baud, dataBits, stopBits, parity, flowControl, framing, rule, expectEverySeconds: every };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as SerialPortBody;
}

function isModbus(framing: SerialPortBody['framing']): boolean {
  return (typeof framing === 'string' ? framing : framing?.kind) === 'modbus-rtu';
}

/** A word, or settings as the configuration file writes them. */
export function part(text: string): unknown {
  const value = readYaml(text);
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw usage('it must be a word, or settings such as "{kind: csv, columns: [{metric: level}]}".');
}
