// The simulator's process edge: arguments → command → exit code.

import { stderr, stdout } from 'node:process';
import { EXIT, Failure } from './failure.ts';
import { parseCommand, UsageError } from './command-line.ts';
import { replayFile } from './replay.ts';
import { runFleet } from './run.ts';
import { speakSerial } from './serial.ts';
import { speakModbus } from './serial-modbus.ts';
import { verifyManifest } from './verify.ts';
import { refuseUncheckedTls } from '../gateway/client/target.ts';

// `| head` closes the pipe: nobody reads any more, which is no fault of ours.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const io = { stdout, stderr };
  try {
    refuseUncheckedTls(process.env);
    const command = parseCommand(args, (text) => stderr.write(`warning: ${text}\n`));
    switch (command.name) {
      case 'run':
        return await runFleet(command.options, io);
      case 'replay':
        return await replayFile(command.options, io);
      case 'serial':
        return await speakSerial(command.options, io);
      case 'modbus':
        return await speakModbus(command.options, io);
      case 'verify':
        return await verifyManifest(command.options, io);
      case 'help':
        stdout.write(command.text);
        return EXIT.done;
      default:
        return command satisfies never;
    }
  } catch (error) {
    if (error instanceof UsageError) stderr.write(`${error.message}\nusage: ${error.usage}\n`);
    else if (error instanceof Failure) stderr.write(`${error.message}\n`);
    else throw error;
    return error.exitCode;
  }
}
