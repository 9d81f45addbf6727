// A program that fills a buffer in a file until it is killed. Says on stdout, after each step: `stream <id>`, `made <seq> <body>`,
// `acked <seq>`; what it says has happened.

import { writeSync } from 'node:fs';
import { openBufferFile } from '../../gateway/client/buffer-file.ts';
import { openFileBuffer } from '../../gateway/protocol/file-buffer.ts';

const [folder = '', round = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const buffer = openFileBuffer({ file: openBufferFile(folder), random: Math.random, sync: 'every-frame', capacityBytes: 60_000 });
buffer.confirm(buffer.acked);
say(`stream ${buffer.stream}`);
for (let i = 0; ; i++) {
  const seq = buffer.next;
  const body = JSON.stringify([{ n: 'x', vs: `${round} ${i} ${'ü'.repeat(i % 300)}` }]);
  buffer.append([{ body, readings: 1 }], buffer.next - 1);
  say(`made ${seq} ${body}`);
  if (i % 7 !== 6) continue;
  // Far enough behind that there is always something to look for; often enough that the file is rewritten on the way.
  buffer.settle(Math.max(buffer.acked, buffer.next - 20), () => {});
  say(`acked ${buffer.acked}`);
}
