// fieldgate serial replay: a capture read again by the running gateway, through framing, rule and checks of a port, into a stream that is
// marked as a replay.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { unreadableFile } from '../client/client-fault.ts';
import { askSocket, socketPath } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import { CaptureProblem, CAPTURE_TYPE, openCapture } from '../protocol/capture-format.ts';
import type { List, ReplayNews, SerialPortView } from '../protocol/rest.ts';
import { type CommandSpec, configOf, type Given, JSON_OPTION, usage } from './cli.ts';
import { streamOverSocket } from './control-stream.ts';
import { part } from './serial-edit.ts';

interface ReplayOptions {
  readonly device: string;
  readonly port?: string;
  readonly framing?: string;
  readonly rule?: string;
  readonly speed?: string;
  readonly times?: string;
  readonly json?: boolean;
}

const NEWS_EVERY = 5;

export const REPLAY: CommandSpec = {
  name: 'replay',
  says: 'a capture once more, through framing, rule and checks like a port, into the stream ~serial-replay of a device',
  args: ['file'],
  options: [
    { flags: '--device <id>', says: 'whose readings they become; best a device of its own', isRequired: true },
    { flags: '--port <port>', says: 'take framing and rule of this port: its path, device or id' },
    { flags: '--framing <framing>', says: 'line, nmea, …, or its settings, as of "serial add"; else as captured', read: partText },
    { flags: '--rule <rule>', says: 'nmea, json, …, or its settings, as of "serial add"; else as captured', read: partText },
    { flags: '--speed <speed>', says: 'how many times as fast as the line was, or max; 1 when left out', read: speedOf },
    { flags: '--times <times>', says: 'which times the readings get; captured when left out', choices: ['captured', 'now'] },
    JSON_OPTION,
  ],
  run: async (cli, { args: [file = ''], options }: Given<ReplayOptions>) => {
    const { port, framing, rule, speed, times, device } = options;
    if (port !== undefined && (framing !== undefined || rule !== undefined))
      throw usage('--port brings framing and rule: leave the others out.');
    await look(file);
    // not --port, which is the gateway's own in other commands
    const { config } = configOf(cli, { config: options.config, data: options.data });
    const socket = socketPath(config.data);
    const listed = await askSocket(socket, { method: 'GET', target: '/v1/serial' });
    if (listed === null) throw new Failure(EXIT.failed, `no gateway runs on ${config.data}: start it; it is what replays`);
    const id = port === undefined ? undefined : idOf(JSON.parse(listed.body) as List<SerialPortView>, port);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ device, port: id, framing, rule, speed, times }))
      if (value !== undefined) query.set(name, value);
    const { size } = await stat(file);
    const answer = await streamOverSocket(socket, {
      method: 'POST',
      target: `/v1/serial/replay?${query.toString().replaceAll('+', '%20')}`,
      body: { type: CAPTURE_TYPE, bytes: size, content: createReadStream(file) },
    });
    // the gateway ends the replay when its client has gone: Ctrl-C needs no more
    let last: ReplayNews | null = null;
    let heard = 0;
    try {
      for await (const line of createInterface({ input: answer })) {
        last = JSON.parse(line) as ReplayNews;
        if (last.type === 'progress' && ++heard % NEWS_EVERY === 1)
          cli.say(`${(last.passedMs / 1000).toFixed(1)} s of the line: ${last.frames} frames, ${last.readings} readings`);
      }
    } catch (error) {
      // the gateway was killed, maybe in the middle of a line
      if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      last = null;
    }
    if (last === null || last.type !== 'ended') throw new Failure(EXIT.failed, endedEarly(last));
    if (options.json === true) cli.out(JSON.stringify(last));
    else for (const line of inWords(last)) cli.out(line);
    if (last.outcome === 'damaged') throw new Failure(EXIT.failed, `${file} is damaged: it was read up to the damage`);
    if (last.outcome === 'cut-short') cli.say('the capture has no end: whoever made it was cut off. All that is there was replayed');
  },
};

/** What is none is found before anybody is bothered with it. */
async function look(file: string): Promise<void> {
  const content = createReadStream(file);
  try {
    await openCapture(content);
  } catch (error) {
    if (error instanceof CaptureProblem) throw new Failure(EXIT.failed, `${file}: ${error.message}`);
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? new Failure(EXIT.failed, `${file}: there is no such file`)
      : unreadableFile(file, error);
  } finally {
    content.destroy();
  }
}

function idOf({ items }: List<SerialPortView>, name: string): string {
  const found = items.find(({ path, device, id, origin }) => origin !== 'replay' && (path === name || device === name || id === name));
  if (found === undefined) throw new Failure(EXIT.failed, `${printableText(name)}: no such port here; see GET /v1/serial`);
  return found.id;
}

function endedEarly(last: ReplayNews | null): string {
  const how = 'before the capture was over';
  if (last?.type === 'stopped')
    return `the gateway ended the replay ${how}, because it stops or the device was suspended: ${last.readings} readings are stored`;
  return last?.type === 'failed' ? `the replay failed ${how}; the log of the gateway has the cause` : `the gateway ended ${how}`;
}

function inWords(news: ReplayNews): string[] {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, n]) => `${printableText(name)} ${n}`)
      .join(', ');
  const all: [string, string][] = [
    ['bytes', String(news.bytes)],
    ['frames', String(news.frames)],
    ['readings', String(news.readings)],
    ['without readings', list(news.skipped)],
    ['faults', list(news.faults)],
    ['in quarantine', list(news.refused)],
    ['left out', news.leftOutBytes > 0 ? `${news.leftOutBytes} bytes` : ''],
    ['hang-ups', news.hangUps > 0 ? String(news.hangUps) : ''],
  ];
  return all.filter(([, text]) => text !== '').map(([name, text]) => `${name.padEnd(17)}${text}`);
}

/** As a query takes it. */
function partText(text: string): string {
  const value = part(text);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function speedOf(text: string): string {
  if (text !== 'max' && !(/^\d{1,6}(\.\d{1,3})?$/.test(text) && Number(text) > 0))
    throw usage('it must be max, or a number such as 1, 10 or 0.5.');
  return text;
}
