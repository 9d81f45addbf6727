// kill -9 of a program while it writes its buffer, twenty times over the same file.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openBufferFile } from '../../gateway/client/buffer-file.ts';
import { openFileBuffer } from '../../gateway/protocol/file-buffer.ts';

const WRITER = fileURLToPath(new URL('../support/buffer-writer.ts', import.meta.url));
const KILLS = 20;

/** Lets the writer run for a while after its first word, and kills it; the whole lines that it said. */
async function runAndKill(folder: string, round: number, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let started = (): void => {};
  const isStarted = new Promise<void>((resolve) => (started = resolve));
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
    started();
  });
  const over = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('close', (_, signal) => resolve(signal));
  });
  await Promise.race([isStarted, over]);
  await pause(afterMs);
  child.kill('SIGKILL');
  expect(await over).toBe('SIGKILL');
  return said.split('\n').slice(0, -1);
}

test('after kill -9 every frame that append returned for is there, under its number, and no number is used twice', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-buffer-kill-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const made = new Map<number, string>();
  let stream = '';
  let acked = 0;
  for (let round = 0; round < KILLS; round++) {
    const afterMs = Math.random() * 150;
    for (const line of await runAndKill(folder, round, afterMs)) {
      const [word = '', first = ''] = line.split(' ', 2);
      if (word === 'stream') {
        if (stream !== '') expect(first).toBe(stream);
        stream = first;
      } else if (word === 'acked') acked = Number(first);
      else {
        expect(made.has(Number(first))).toBe(false);
        made.set(Number(first), line.slice(6 + first.length));
      }
    }
    const file = openBufferFile(folder);
    const buffer = openFileBuffer({ file, random: Math.random, sync: 'every-frame', capacityBytes: 60_000 });
    expect([buffer.opening, buffer.stream]).toEqual(['continued', stream]);
    expect(buffer.acked).toBeGreaterThanOrEqual(acked);
    // one more than was said: killed between append and its word
    for (let seq = buffer.acked + 1; seq < buffer.next; seq++) {
      const { body } = buffer.at(seq)!;
      if (!made.has(seq)) {
        expect(seq).toBe(buffer.next - 1);
        made.set(seq, body!);
      }
      expect(body).toBe(made.get(seq));
    }
    expect(buffer.next).toBe(made.size + 1);
    buffer.close();
    file.close();
  }
  expect(made.size).toBeGreaterThan(KILLS);
});
