// fieldgate serial …: the serial ports of this machine.

import { setTimeout as wait } from 'node:timers/promises';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import type { SerialFrameView, SerialPortView } from '../protocol/rest.ts';
import { type CommandSpec, controlled, type GroupSpec, JSON_OPTION } from './cli.ts';
import { CAPTURE } from './serial-capture.ts';
import { ADD, REMOVE, SET } from './serial-edit.ts';
import { PORTS } from './serial-ports.ts';
import { REPLAY } from './serial-replay.ts';

const LOOK_MS = 200;

interface Watched {
  readonly json?: boolean;
}

const watch: CommandSpec = {
  name: 'watch',
  says: 'what a port says, frame by frame, and what becomes of it; PORT is its path or its device',
  args: ['port'],
  options: [JSON_OPTION],
  run: controlled<Watched>(
    async (cli, control, { args: [name = ''], options }) => {
      let state = '';
      let last: number | null = null;
      for (;;) {
        const port = (await control.list<SerialPortView>('/v1/serial')).find(
          ({ id, path, device }) => id === name || path === name || device === name,
        );
        if (port === undefined) throw new Failure(EXIT.failed, 'no such port; see: fieldgate serial ports');
        if (port.state !== state)
          cli.say(
            [port.state, port.reason, port.mend]
              .filter((text) => text !== '')
              .map(printableText)
              .join(' · '),
          );
        state = port.state;
        // a port that was begun anew counts from 1
        const newest = port.lastFrames.at(-1)?.number ?? 0;
        if (last === null || newest < last) last = 0;
        const fresh = port.lastFrames.filter(({ number }) => number > (last ?? 0));
        const missed = (fresh[0]?.number ?? 0) - last - 1;
        if (missed > 0 && last > 0) cli.say(`${missed} came faster than they are shown`);
        for (const frame of fresh) cli.out(options.json === true ? JSON.stringify(frame) : inWords(frame));
        last = newest;
        await wait(LOOK_MS);
      }
    },
    { running: 'start it; it alone reads the ports' },
  ),
};

function inWords({ atMs, raw, encoding, bytes, outcome, says }: SerialFrameView): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const said = encoding === 'utf8' ? JSON.stringify(raw) : Buffer.from(raw, 'base64').toString('hex');
  const rest = Buffer.byteLength(raw, encoding) < bytes ? ` … (${bytes} bytes)` : '';
  const made = outcome === 'readings' ? says : says === '' ? outcome : `${outcome}: ${says}`;
  return printableText(`${time}  ${said}${rest}  →  ${made}`);
}

export const SERIAL: GroupSpec = {
  name: 'serial',
  says: 'serial ports of this machine',
  commands: [PORTS, ADD, SET, REMOVE, watch, CAPTURE, REPLAY],
};
