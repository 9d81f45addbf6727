// The buffer in a file: on the real disk where a test opens few of them, else on a file in memory.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openBufferFile } from '../../gateway/client/buffer-file.ts';
import { openFileBuffer } from '../../gateway/protocol/file-buffer.ts';
import { createMemoryBuffer } from '../../gateway/protocol/send-buffer.ts';
import { createMemoryFile } from '../support/memory-file.ts';
import { bufferStep, describeSendBuffer, frame, pictureOf, takeStep } from './send-buffer.ts';

const home = mkdtempSync(join(tmpdir(), 'fieldgate-buffer-'));
let folders = 0;
afterAll(() => rmSync(home, { recursive: true }));

describeSendBuffer('in a file', (room) => {
  folders++;
  // A property opens a hundred of them.
  const file = folders <= 20 ? openBufferFile(join(home, String(folders))) : createMemoryFile();
  return openFileBuffer({ file, random: Math.random, sync: 'every-frame', ...room });
});

test('whatever is done to both, a buffer in a file is the buffer in memory, also when it is opened anew at any point', () => {
  const steps = fc.array(fc.oneof({ weight: 9, arbitrary: bufferStep }, fc.constant('reopen' as const)), { maxLength: 120 });
  fc.assert(
    fc.property(steps, fc.boolean(), (acts, isSyncing) => {
      const clock = { nowMs: () => 0, after: () => ({ cancel() {} }) };
      const room = { capacityBytes: 2_500, retainBytes: 700 };
      const file = createMemoryFile();
      const open = () =>
        openFileBuffer({ file, random: Math.random, sync: isSyncing ? 'every-frame' : { everyMs: 1_000, clock }, ...room });
      let kept = open();
      const model = createMemoryBuffer({ stream: kept.stream, ...room });
      const told: [string[], string[]] = [[], []];
      for (const act of acts) {
        if (act === 'reopen') kept = open();
        else {
          takeStep(kept, act, (text) => told[0].push(text));
          takeStep(model, act, (text) => told[1].push(text));
        }
        expect(pictureOf(kept)).toEqual(pictureOf(model));
      }
      expect(told[0]).toEqual(told[1]);
      expect(kept.opening === 'damaged').toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('on a real disk it is the same after it was closed and opened', () => {
  const folder = join(home, 'again');
  const first = openBufferFile(folder);
  const buffer = openFileBuffer({ file: first, random: Math.random, sync: 'every-frame' });
  for (let i = 0; i < 50; i++) buffer.append([frame(`reading ${i}`)], 0);
  buffer.settle(20, () => {});
  const picture = pictureOf(buffer);
  buffer.close();
  first.close();
  const second = openBufferFile(folder);
  expect(pictureOf(openFileBuffer({ file: second, random: Math.random, sync: 'every-frame' }))).toEqual(picture);
  second.close();
});

test('a folder is held by one process at a time, and a lock whose holder is gone holds nobody up', () => {
  const folder = join(home, 'held');
  const file = openBufferFile(folder);
  expect(() => openBufferFile(folder)).toThrow(/is in use by process \d+; give each process a folder of its own/);
  file.close();
  file.close();
  openBufferFile(folder).close();
});
