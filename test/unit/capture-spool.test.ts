// A capture on disk while it is replayed: read from its beginning, never larger than allowed, never in the way of the readings, and gone
// with the process.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openSpool, type SpoolOptions } from '../../gateway/capture-spool.ts';

const folder = mkdtempSync(join(tmpdir(), 'fieldgate-spool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MIB = 1024 * 1024;

async function* body(pieces: number, isBroken = false) {
  for (let i = 0; i < pieces; i++) yield Buffer.alloc(MIB, i);
  if (isBroken) throw new Error('the client has gone');
}
const open = (source: AsyncIterable<Uint8Array>, options: Partial<SpoolOptions> = {}) =>
  openSpool(source, { folder, maxBytes: 20 * MIB, roomBytes: async () => 1000 * MIB, ...options });

test('it has what came, has no name, and can be read again', async () => {
  const spool = await open(body(3));
  if ('refused' in spool) throw new Error(spool.refused);
  expect([spool.bytes, readdirSync(folder)]).toEqual([3 * MIB, []]);
  for (let round = 0; round < 2; round++) {
    const pieces: Uint8Array[] = [];
    for await (const piece of spool.read()) pieces.push(piece);
    const all = Buffer.concat(pieces);
    expect([all.length, all[0], all[2 * MIB]]).toEqual([3 * MIB, 0, 2]);
  }
  await spool[Symbol.asyncDispose]();
});

test('what is too large, has no room, or breaks off is refused and leaves nothing', async () => {
  expect(await open(body(21))).toMatchObject({ refused: 'body-too-large' });
  let room = 9 * MIB;
  const asked: number[] = [];
  const roomBytes = async (): Promise<number> => {
    asked.push(room);
    room -= 4 * MIB;
    return room;
  };
  expect(await open(body(20), { roomBytes })).toMatchObject({ refused: 'disk-trouble' });
  expect(asked).toHaveLength(2);
  expect(await open(body(2, true))).toMatchObject({ refused: 'bad-request' });
  expect(readdirSync(folder)).toEqual([]);
});
