// A store that is killed before any of the statements with which it appends, seals, cuts anew and trims: whatever is asked afterwards, the
// answers are those of a list of what was appended; nothing is lost, nothing doubled, and it goes on from there.

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { type CanaryName, canaryProcess } from '../support/canaries.ts';
import { createRandom, freshSeed } from '../support/seeded-random.ts';
import { lifeBatches } from '../support/sealing-life.ts';
import { sumsAreTrue } from '../support/row-sums.ts';
import { answersAs, EAGER, T0, tailAndBooksAs } from '../support/store-model.ts';

const STATEMENTS = new URL('../support/statements.ts', import.meta.url).href;
const LIFE = fileURLToPath(new URL('../support/sealing-life.ts', import.meta.url));
const KILLS = 8;
const seed = freshSeed();

function place() {
  const folder = mkdtempSync(path.join(tmpdir(), 'fieldgate-statements-'));
  const [data, images] = [path.join(folder, 'data'), path.join(folder, 'images')];
  for (const one of [data, images]) mkdirSync(one);
  return { data, images, copy: path.join(folder, 'copy'), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One life; resolves with the signal that ended it, if one did. */
async function live(data: string, env: Record<string, string>, canary?: CanaryName): Promise<NodeJS.Signals | null> {
  const weak = canary === undefined ? null : canaryProcess(canary);
  const args = ['--import', STATEMENTS, LIFE];
  const child = spawn(process.execPath, [...(weak?.nodeArgs ?? []), ...args, path.join(data, 'fieldgate.db'), path.join(data, 'acked')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, STATEMENT_DATA: data, ...env, ...weak?.env },
  });
  let errors = '';
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString();
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.on('exit', (...end) => resolve(end)));
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the store's life ended with ${code ?? signal}: ${errors}`);
  return signal;
}

/** What a store opened on these files answers, before and after everything has been sealed and cut anew, is what was appended. */
async function isWhole(data: string): Promise<void> {
  const store = await openSqliteStore({
    file: path.join(data, 'fieldgate.db'),
    walCheckpointBytes: 2 ** 20,
    readers: 1,
    // still until it is asked to: what is looked at first is what the kill left
    sealing: { ...EAGER, rows: 1e9, ms: 1e9 },
  });
  try {
    const acked = existsSync(path.join(data, 'acked')) ? Number(readFileSync(path.join(data, 'acked'), 'utf8')) : 0;
    const { position } = await store.catalogue();
    expect(position).toBeGreaterThanOrEqual(acked);
    const list = lifeBatches().flat().slice(0, position);
    const ask = async (): Promise<void> => {
      await answersAs(store, list, T0 - 2_000_000_000, T0 + 200_000_000_000, 7, 500);
      await answersAs(store, list, T0 + 50_000_000, T0 + 333_333_333, 40, 90);
      await tailAndBooksAs(store, list);
    };
    await ask();
    await store.compact(() => undefined);
    await ask();
  } finally {
    await store.close();
  }
  sumsAreTrue(path.join(data, 'fieldgate.db'));
}

test('a store killed at any boundary of its statements has everything it acknowledged, once', { timeout: 300_000 }, async () => {
  using at = place();
  expect(await live(at.data, { STATEMENT_IMAGES: at.images })).toBeNull();
  const statements = Number(readFileSync(path.join(at.images, 'statements'), 'utf8'));
  // what a process leaves behind that is killed there: most statements change nothing outside of its memory
  const images = readdirSync(at.images).filter((name) => name !== 'statements');
  expect(statements).toBeGreaterThan(200);
  expect(images.length).toBeGreaterThan(20);
  const { length: readings } = lifeBatches().flat();
  let wholes = 0;
  for (const image of images) {
    // before the database has its tables a start makes it anew
    if (!existsSync(path.join(at.images, image, 'fieldgate.db'))) continue;
    await isWhole(path.join(at.images, image)).catch((error: Error) => {
      throw new Error(`killed before statement ${Number(image)} of ${statements}: ${error.message}`, { cause: error });
    });
    wholes++;
  }
  await isWhole(at.data);
  console.log(`${statements} statements, ${wholes} states on disk, ${readings} readings`);
});

test(`and so has one that is ended by a real SIGKILL (seed ${seed})`, { timeout: 300_000 }, async () => {
  const random = createRandom(seed);
  for (let kill = 0; kill < KILLS; kill++) {
    using at = place();
    const statement = random.whole(20, 400);
    expect(await live(at.data, { STATEMENT_KILL: String(statement) })).toBe('SIGKILL');
    await isWhole(at.data).catch((error: Error) => {
      throw new Error(`killed before statement ${statement}: ${error.message}`, { cause: error });
    });
  }
});

test('canary: a mark that moves before the chunks are there is caught', { timeout: 300_000 }, async () => {
  using at = place();
  await live(at.data, { STATEMENT_IMAGES: at.images }, 'mark-before-chunks');
  const lost: string[] = [];
  for (const image of readdirSync(at.images)) {
    if (!existsSync(path.join(at.images, image, 'fieldgate.db')) || lost.length > 0) continue;
    cpSync(path.join(at.images, image), at.copy, { recursive: true });
    await isWhole(at.copy).catch(() => lost.push(image));
    rmSync(at.copy, { recursive: true });
  }
  expect(lost).not.toStrictEqual([]);
});
