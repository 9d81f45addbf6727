// The serial ports, whoever set them: those of the configuration file, which stay as they are, and those that were added while the gateway
// ran, which the registry keeps and which are checked again at each start by the code that checks the file's.

import { createHash, randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import type { SerialBook as SerialDesk, SerialRefusal } from './api/api-deps.ts';
import { MAX_PORTS, readSerialPort, readSerialTrial, samePort, type SerialFault } from './config-serial.ts';
import { EXIT, Failure } from './failure.ts';
import { askedFrom } from './identity/asked-from.ts';
import type { Identity } from './identity/identity.ts';
import type { LineReader } from './ingest/replay.ts';
import type { Observe } from './observe.ts';
import { PROBLEMS } from './protocol/problems.ts';
import type { SerialPortView, SerialSettings } from './protocol/rest.ts';
import type { Registry, SerialPortRow } from './storage/registry.ts';
import { createDevicePreparer } from './serial-device.ts';
import { listPorts } from './transports/serial/port-list.ts';
import { heardSettings, type SerialLimits, type SerialPortSettings } from './transports/serial/port-settings.ts';
import { PORT_STATES } from './transports/serial/port-state.ts';
import { readAgain, tryOut } from './transports/serial/port-try.ts';
import type { SerialPort } from './transports/serial/port-views.ts';
import type { SerialPorts, SerialSink } from './transports/serial/serial.ts';
import { unusableView } from './unusable-port.ts';

export interface SerialBook extends SerialDesk {
  /** Makes the ports' devices and opens the ports. Rejects with a Failure when a device of the file's cannot be made. */
  start(): Promise<void>;
  stop(drainMs: number): Promise<void>;
  readonly readLine: LineReader;
}
export interface SerialBookOptions {
  readonly ports: SerialPorts;
  /** `serial.ports` of the configuration. */
  readonly fromFile: readonly SerialPortSettings[];
  readonly registry: Registry;
  readonly identity: Identity;
  readonly limits: SerialLimits;
  readonly recordEvent: SerialSink['recordEvent'];
  readonly observe: Observe;
  /** Ports that are read elsewhere, or not at all, and shown with ours. */
  readonly further: readonly (() => readonly SerialPortView[])[];
}

const FILE_ACTOR = 'configuration';

export async function openSerialBook(options: SerialBookOptions): Promise<SerialBook> {
  const { ports, registry, limits, recordEvent, observe, further } = options;
  const prepare = createDevicePreparer(options.identity, observe.log);
  /** Ports that are read. */
  const known = new Map<string, SerialPort>();
  const rows = new Map<string, SerialPortRow>();
  /** Rows that cannot be read any more: shown, not lost. */
  const unusable = new Map<string, SerialPortView>();
  let turn: Promise<unknown> = Promise.resolve();
  /** One at a time: several together would take a turn of the event loop each. */
  let lastTrial: Promise<unknown> = Promise.resolve();

  function seat(port: SerialPort): void {
    known.set(port.id, port);
    unusable.delete(port.id);
    ports.put(port);
  }
  function unseat(row: SerialPortRow, reason: string): void {
    ports.remove(row.id);
    known.delete(row.id);
    unusable.set(row.id, unusableView(row, reason));
  }

  for (const settings of options.fromFile) seat({ id: fileId(settings.path), origin: 'file', settings });
  const loaded = (await registry.load()).serialPorts;
  for (const row of [...loaded].sort((a, b) => a.createdAtMs - b.createdAtMs)) {
    rows.set(row.id, row);
    const read = readRow(row);
    const refusal = 'faults' in read ? read : takenBy(read.read, row.id);
    if ('read' in read && refusal === null) seat({ id: row.id, origin: 'console', settings: read.read });
    else unseat(row, reasonOf(refusal));
  }

  const views = (): readonly SerialPortView[] => [...ports.views(), ...unusable.values(), ...further.flatMap((more) => more())];
  observe.gauge('fieldgate_serial_ports', 'Serial ports that are to be read.', () => views().length);
  observe.gauge('fieldgate_serial_ports_open', 'Of these, how many are open and readable.', () =>
    views().reduce((sum, { state }) => sum + (state === 'open' ? 1 : 0), 0),
  );
  const slaves = (isCounted: (state: string) => boolean): number =>
    views().reduce((sum, port) => sum + port.slaves.filter(({ state }) => isCounted(state)).length, 0);
  observe.gauge('fieldgate_serial_slaves', 'Slaves on Modbus buses that are to be asked.', () => slaves(() => true));
  observe.gauge('fieldgate_serial_slaves_silent', 'Of these, how many do not answer.', () => slaves((state) => state === 'silent'));
  /** Of two that have one path (the file has got a port that was added here) the first is read. */
  const byPort = (): ReadonlyMap<string, string> =>
    new Map([...views()].reverse().map(({ path, bridge, state }) => [bridge === null ? path : `${bridge}:${path}`, state]));
  observe.gaugeBy('fieldgate_serial_port_state', 'Which state each serial port is in: 1, else 0.', ['port', 'state'], () =>
    Array.from(byPort(), ([port, state]) => PORT_STATES.map((one) => [[port, one], one === state ? 1 : 0] as const)).flat(),
  );

  /** One change after the other: two that are made at once must not both find the same port free. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work, work);
    turn = mine;
    return mine;
  }

  /** Why these settings cannot stand beside the others; null: they can. */
  function takenBy({ path }: SerialPortSettings, id: string): SerialRefusal | null {
    const others = Array.from(known.values()).filter((port) => port.id !== id);
    const unusables = Array.from(unusable.keys()).filter((one) => one !== id);
    if (others.length + unusables.length >= MAX_PORTS) return { refused: 'too-many-ports' };
    const same = samePort(
      path,
      others.map((port) => port.settings),
    );
    if (same === null) return null;
    const other = others[same.index];
    const detail = `${same.says}that of ${other.settings.device}${other.origin === 'file' ? ' in the configuration file' : ''}`;
    return { refused: 'same-port', detail, errors: [{ pointer: '/path', detail }] };
  }

  async function write(row: SerialPortRow, settings: SerialPortSettings, act: Act): Promise<SerialPortView> {
    await registry.commit([{ put: 'serialPorts', row }, audit(act, settings.path)]);
    rows.set(row.id, row);
    seat({ id: row.id, origin: 'console', settings });
    recordEvent({ device: settings.device, type: `port-${act.done}`, reason: 'operator', detail: { path: settings.path } });
    return viewOf(row.id);
  }
  function viewOf(id: string): SerialPortView {
    const view = ports.views().find((one) => one.id === id);
    if (view === undefined) throw new Error(`the serial port ${id} has no view`);
    return view;
  }
  /** Why a port that is not ours to change is not; null: it is. */
  function fixed(id: string): SerialRefusal | null {
    if (rows.has(id)) return null;
    const view = views().find((one) => one.id === id);
    if (view === undefined) return { refused: 'not-found' };
    if (view.origin === 'bridge') return { refused: 'set-in-file', detail: `It is set on the bridge ${view.bridge ?? ''}.` };
    return view.origin === 'file' ? { refused: 'set-in-file' } : { refused: 'not-found' };
  }

  return {
    views,
    async attached() {
      const readers = new Map<string, string>();
      for (const { settings } of known.values()) readers.set(await realOf(settings.path), settings.device);
      const found = await listPorts();
      return Promise.all(found.map(async (port) => ({ ...port, device: readers.get(await realOf(port.name)) ?? null })));
    },
    add: (raw, actor) =>
      inTurn(async () => {
        const read = readSerialPort(raw);
        if ('faults' in read) return badSerial(read.faults);
        const settings = read.read;
        const refusal = takenBy(settings, '') ?? (await prepare(settings, actor));
        if (refusal !== null) return refusal;
        const row = { id: randomBytes(ID_BYTES).toString('hex'), settings: JSON.stringify(settings), createdAtMs: Date.now() };
        return write(row, settings, { actor, act: 'serial.add', done: 'added', detail: `${row.id}, device ${settings.device}` });
      }),
    replace: (id, raw, actor) =>
      inTurn(async () => {
        const row = rows.get(id);
        const refused = fixed(id);
        if (refused !== null || row === undefined) return refused ?? { refused: 'not-found' };
        const read = readSerialPort(raw);
        if ('faults' in read) return badSerial(read.faults);
        const settings = read.read;
        const text = JSON.stringify(settings);
        if (text === row.settings && known.has(id)) return viewOf(id);
        const refusal = takenBy(settings, id) ?? (await prepare(settings, actor));
        if (refusal !== null) return refusal;
        return write({ ...row, settings: text }, settings, {
          actor,
          act: 'serial.change',
          done: 'changed',
          detail: `${id}, ${changedKeys(known.get(id)?.settings, settings).join(' ')}`,
        });
      }),
    remove: (id, actor) =>
      inTurn(async () => {
        const refused = fixed(id);
        if (refused !== null) return refused;
        const port = known.get(id)?.settings;
        const path = port?.path ?? unusable.get(id)?.path ?? '';
        const device = port?.device ?? '';
        const act: Act = { actor, act: 'serial.remove', done: 'removed', detail: device === '' ? id : `${id}, device ${device}` };
        await registry.commit([{ delete: 'serialPorts', id }, audit(act, path)]);
        rows.delete(id);
        known.delete(id);
        unusable.delete(id);
        ports.remove(id);
        recordEvent({ device, type: 'port-removed', reason: 'operator', detail: { path } });
        return true as const;
      }),
    async tryOut(raw) {
      const read = readSerialTrial(raw);
      if ('faults' in read) return badSerial(read.faults);
      const tried = lastTrial.then(() => tryOut(read.read, limits, Date.now() * 1000));
      lastTrial = tried.catch(() => undefined);
      return tried;
    },
    readLine(device, line) {
      const own = Array.from(known.values()).filter((port) => port.settings.device === device);
      const heard = own.map(({ settings }) => heardSettings(settings)).filter((settings) => settings !== null);
      const results = heard.map((settings) => readAgain(settings, line));
      return results.find(({ outcome }) => outcome === 'readings') ?? results[0] ?? { outcome: 'no-port' };
    },
    async start() {
      for (const { id, origin, settings } of [...known.values()]) {
        const refusal = await prepare(settings, FILE_ACTOR);
        if (refusal === null) continue;
        const why = `the device ${settings.device} of a serial port cannot be made: ${refusal.detail ?? refusal.refused}`;
        const row = rows.get(id);
        if (origin === 'file' || row === undefined) throw new Failure(EXIT.failed, why);
        unseat(row, why);
      }
      for (const { id, path, reason } of unusable.values())
        observe.log.error({ id, path, reason }, 'A serial port that was added here cannot be used');
      ports.start();
    },
    stop: ports.stop,
  };
}

interface Act {
  readonly actor: string;
  readonly act: string;
  readonly done: 'added' | 'changed' | 'removed';
  readonly detail: string;
}
const ID_BYTES = 6;

function audit({ actor, act, detail }: Act, target: string) {
  return { audit: { atMs: Date.now(), actor, act, target, detail, address: askedFrom() } };
}

/** The same as long as the path is: there is no other name for a port of the file. */
function fileId(path: string): string {
  return `file-${createHash('sha256')
    .update(path)
    .digest('hex')
    .slice(0, 2 * ID_BYTES)}`;
}

function readRow(row: SerialPortRow): ReturnType<typeof readSerialPort> {
  try {
    return readSerialPort(JSON.parse(row.settings));
  } catch {
    return { faults: [{ path: [], says: 'must be JSON' }] };
  }
}

export function badSerial(faults: readonly SerialFault[]): SerialRefusal {
  return {
    refused: 'bad-serial',
    errors: faults.map(({ path, says }) => ({ pointer: path.map((part) => `/${String(part)}`).join(''), detail: says })),
  };
}

function reasonOf(why: { readonly faults: readonly SerialFault[] } | SerialRefusal | null): string {
  if (why === null) return '';
  if ('faults' in why) return why.faults.map(({ path, says }) => `${path.join('.')} ${says}`.trim()).join('; ');
  return why.detail ?? PROBLEMS[why.refused as keyof typeof PROBLEMS].title;
}

function changedKeys(before: SerialPortSettings | undefined, after: SerialPortSettings): string[] {
  const keys = Object.keys(after) as (keyof SerialSettings)[];
  return keys.filter((key) => JSON.stringify(before?.[key]) !== JSON.stringify(after[key]));
}

function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
