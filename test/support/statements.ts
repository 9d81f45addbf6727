// A preload (`node --import`) for a process with a store: before each statement of the thread that writes, the database's files are copied
// as they are then (each state once), or, before the one with the number STATEMENT_KILL, the process is killed.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

const { STATEMENT_DATA: data = '', STATEMENT_IMAGES: images = '', STATEMENT_KILL: kill = '' } = process.env;
const FILES = ['fieldgate.db', 'fieldgate.db-wal', 'acked'];

// the writer is the one that is told when to write the WAL back
if ((workerData as { walCheckpointBytes?: number } | null)?.walCheckpointBytes !== undefined) {
  let count = 0;
  let last = '';
  const boundary = (): void => {
    count += 1;
    if (kill !== '' && count === Number(kill)) process.kill(process.pid, 'SIGKILL');
    if (images === '') return;
    writeFileSync(path.join(images, 'statements'), String(count));
    const there = FILES.filter((name) => existsSync(path.join(data, name)));
    const hash = createHash('sha256');
    for (const name of there) hash.update(name).update(readFileSync(path.join(data, name)));
    const state = hash.digest('hex');
    if (state === last) return;
    last = state;
    const folder = path.join(images, String(count).padStart(6, '0'));
    mkdirSync(folder);
    for (const name of there) copyFileSync(path.join(data, name), path.join(folder, name));
  };
  const counted = <T extends object>(owner: T, name: keyof T): void => {
    const whole = owner[name] as (...ask: unknown[]) => unknown;
    owner[name] = function (this: unknown, ...ask: unknown[]) {
      boundary();
      return whole.apply(this, ask);
    } as T[keyof T];
  };
  counted(Database.prototype as Database.Database, 'exec');
  counted(Database.prototype as Database.Database, 'pragma');
  const some = new Database(':memory:');
  const statement = Object.getPrototypeOf(some.prepare('SELECT 1')) as Database.Statement;
  some.close();
  counted(statement, 'run');
}
