// fieldgate serial capture: what a port says, byte for byte with the times of arrival, into a file. The running gateway hands it out while
// it goes on reading; a port that it does not read, or where none runs, is opened here.

import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { askSocket, socketPath } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import { openCapture } from '../protocol/capture-format.ts';
import type { List, SerialPortView } from '../protocol/rest.ts';
import { createCaptureRecorder } from '../transports/serial/capture-recorder.ts';
import { captureNowUs } from '../transports/serial/capture-taps.ts';
import { holdersOf } from '../transports/serial/port-holders.ts';
import type { PortLine, PortTrouble } from '../transports/serial/port-line.ts';
import { nativeHolder } from '../transports/serial/port-holder.ts';
import { createPortOpener } from '../transports/serial/port-opener.ts';
import { cannotOpen } from '../transports/serial/port-state.ts';
import { type Cli, type CommandSpec, configOf, duration, type Given, usage, wholeBetween } from './cli.ts';
import { streamOverSocket } from './control-stream.ts';

const openPort = createPortOpener(nativeHolder);

interface CaptureOptions {
  readonly seconds?: number;
  readonly maxBytes?: number;
  readonly baud?: number;
}
interface Limits {
  readonly seconds: number;
  readonly maxBytes: number;
}
/** A capture under way: its file as it comes, and how it is asked to end. */
interface Source {
  readonly stream: Readable;
  /** How it came to be, in a word or two. */
  readonly by: string;
  finish(): void;
}

const DAY_SECONDS = 86_400;
const NEWS_MS = 5000;
const BUFFER_BYTES = 4 * 1024 * 1024;

export const CAPTURE: CommandSpec = {
  name: 'capture',
  says: 'what a port says into a file, byte for byte with its times; PORT is its path, its device or its id',
  args: ['port', 'file'],
  options: [
    { flags: '--seconds <n>', says: 'end after so long: 30, 90s, 10m, 24h; a day at most', read: secondsOf },
    { flags: '--max-bytes <n>', says: 'end after so many bytes of the port', read: wholeBetween(1, 2 ** 40) },
    {
      flags: '--baud <n>',
      says: 'the speed of a port that no configuration knows; 8 data bits, no parity',
      read: wholeBetween(50, 4_000_000),
    },
  ],
  run: async (cli, { args: [name = '', file = ''], ...given }: Given<CaptureOptions>) => {
    if (existsSync(file)) throw inTheWay(file);
    const { seconds = DAY_SECONDS, maxBytes = 2 ** 40 } = given.options;
    const source = await openSource(cli, name, { seconds, maxBytes }, given);
    cli.say(`capturing ${printableText(name)} ${source.by}; Ctrl-C ends it`);
    await record(cli, source, file);
    await sumUp(cli, file);
  },
};

async function openSource(cli: Cli, name: string, limits: Limits, { options }: Pick<Given<CaptureOptions>, 'options'>): Promise<Source> {
  const { config } = configOf(cli, options);
  const socket = socketPath(config.data);
  const answer = await askSocket(socket, { method: 'GET', target: '/v1/serial' });
  if (answer?.status === 200) {
    const ports = (JSON.parse(answer.body) as List<SerialPortView>).items.filter(({ origin }) => origin === 'file' || origin === 'console');
    const port = ports.find(({ path, device, id }) => path === name || device === name || id === name);
    if (port !== undefined) return throughGateway(socket, port.id, limits);
  }
  const known = config.serial.ports.find(({ path, device }) => path === name || device === name);
  if (known !== undefined) return byItself(known, { ...known }, limits);
  if (options.baud === undefined || !name.startsWith('/'))
    throw usage(`no port of the configuration is called ${printableText(name)}: for another one, give its path and --baud N.`);
  const line: PortLine = { path: name, baudRate: options.baud, dataBits: 8, stopBits: 1, parity: 'none', flowControl: 'none' };
  return byItself(line, { ...line }, limits);
}

async function throughGateway(socket: string, id: string, { seconds, maxBytes }: Limits): Promise<Source> {
  const target = `/v1/serial/${encodeURIComponent(id)}/capture`;
  const stream = await streamOverSocket(socket, { method: 'GET', target: `${target}?seconds=${seconds}&maxBytes=${maxBytes}` });
  return {
    stream,
    by: 'through the running gateway',
    // when there is nobody to be asked any more, the stream has ended by itself
    finish: () => void askSocket(socket, { method: 'DELETE', target }).catch(() => undefined),
  };
}

async function byItself(line: PortLine, port: Readonly<Record<string, unknown>>, { seconds, maxBytes }: Limits): Promise<Source> {
  const stream = new PassThrough({ highWaterMark: BUFFER_BYTES });
  const recorder = createCaptureRecorder({
    port,
    maxBytes,
    bufferBytes: BUFFER_BYTES,
    nowUs: captureNowUs,
    post(piece, isLast) {
      if (isLast) {
        stream.end(piece);
        clearTimeout(timer);
        void opened.close();
      } else if (stream.write(piece)) recorder.allow();
      else stream.once('drain', recorder.allow);
    },
  });
  const opened = await openPort(line, {
    bytes: recorder.heard,
    fault: () => undefined,
    ended() {
      recorder.hungUp();
      recorder.finish();
    },
  }).catch(async (error: PortTrouble) => {
    const { reason, mend } = cannotOpen(error, error.trouble === 'busy' ? await holdersOf(line.path) : []);
    throw new Failure(error.trouble === 'permission' ? EXIT.permission : EXIT.failed, printableText(`${line.path}: ${reason}: ${mend}`));
  });
  const timer = setTimeout(recorder.finish, seconds * 1000);
  // a disk that fails
  stream.on('close', recorder.finish);
  recorder.allow();
  return { stream, by: 'by opening it here', finish: recorder.finish };
}

/** Resolves when the file is complete; the first Ctrl-C ends the capture, the second one this process. */
async function record(cli: Cli, source: Source, file: string): Promise<void> {
  const startedMs = performance.now();
  let asked = 0;
  const onSignal = (): void => {
    if (++asked > 1) process.exit(EXIT.interrupted);
    source.finish();
  };
  const tell = async (): Promise<void> => {
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    cli.say(`${Math.round((performance.now() - startedMs) / 1000)} s, ${size} bytes in the file`);
  };
  const news = setInterval(() => void tell(), NEWS_MS);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let isOurs = false;
  const target = createWriteStream(file, { flags: 'wx' });
  target.once('open', () => {
    isOurs = true;
  });
  try {
    await pipeline(source.stream, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw inTheWay(file);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Failure(EXIT.cannotCreate, `${file} cannot be made: there is no such folder`);
    // the gateway was killed: what is there can be read
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') {
      if (isOurs && target.bytesWritten === 0) await rm(file, { force: true });
      throw error;
    }
  } finally {
    clearInterval(news);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Reads the file as a replay would: what it says is what is there. */
async function sumUp(cli: Cli, file: string): Promise<void> {
  const capture = await openCapture(createReadStream(file));
  let [bytes, reads, leftOut, lastUs] = [0, 0, 0, capture.header.startedUs];
  for await (const record of capture.records()) {
    lastUs = record.atUs;
    if (record.kind === 'bytes') {
      bytes += record.bytes.length;
      reads++;
    } else if (record.kind === 'left-out') leftOut += record.count;
  }
  const seconds = ((lastUs - capture.header.startedUs) / 1e6).toFixed(1);
  cli.say(
    `${bytes} bytes in ${reads} reads over ${seconds} s${leftOut > 0 ? `; ${leftOut} bytes were left out because the disk was slow` : ''}`,
  );
  if (capture.end.outcome !== 'whole')
    throw new Failure(
      EXIT.failed,
      `${file}: the capture broke off, because the gateway or its serial thread did; what is there can be replayed`,
    );
}

function inTheWay(file: string): Failure {
  return new Failure(EXIT.cannotCreate, `${file} is there already: choose another name, or move it away`);
}

function secondsOf(text: string): number {
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : duration(text);
  if (seconds < 1 || seconds > DAY_SECONDS) throw usage('it must be from 1 s to 24h.');
  return seconds;
}
