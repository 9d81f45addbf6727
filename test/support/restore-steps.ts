// A preload (`node --import`) for a process that restores a backup: before each thing that it does to the file system, or to a database
// in it, the data directory is copied as it is then (each state once). What a process leaves behind that is killed there.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import Database from 'better-sqlite3';

const { STEPS_DATA: data = '', STEPS_IMAGES: images = '' } = process.env;
const { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } = fs;

let steps = 0;
let last = '';
let isLooking = false;

function stateOf(): string {
  const hash = createHash('sha256');
  for (const name of (readdirSync(data, { recursive: true }) as string[]).toSorted()) {
    const file = path.join(data, name);
    hash.update(`${name}\0`);
    if (statSync(file).isFile()) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

function look(): void {
  if (isLooking) return;
  isLooking = true;
  steps++;
  const state = stateOf();
  if (state !== last) {
    const image = path.join(images, String(steps).padStart(4, '0'));
    mkdirSync(image);
    cpSync(data, image, { recursive: true });
    last = state;
  }
  writeFileSync(path.join(images, 'steps'), String(steps));
  isLooking = false;
}

function watched<T extends object>(owner: T, names: readonly (keyof T)[]): void {
  for (const name of names) {
    const whole = owner[name] as (...ask: unknown[]) => unknown;
    owner[name] = function (this: unknown, ...ask: unknown[]) {
      look();
      return whole.apply(this, ask);
    } as T[keyof T];
  }
}

watched(fs, ['copyFileSync', 'chmodSync', 'writeFileSync', 'renameSync', 'rmSync', 'mkdirSync', 'fsyncSync']);
syncBuiltinESMExports();
watched(Database.prototype as Database.Database, ['exec', 'pragma', 'close']);
const some = new Database(':memory:');
watched(Object.getPrototypeOf(some.prepare('SELECT 1')) as Database.Statement, ['run']);
some.close();
process.on('exit', look);
