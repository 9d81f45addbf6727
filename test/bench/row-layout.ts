// The layout that a gateway of rows would have, for comparison: a row a reading, clustered by series and time, a commit with full sync for
// what came in each tenth of a second. Arguments: folder, readings a second, seconds, ms between commits. Prints what it wrote, as JSON.

import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { writtenBytes } from './child.ts';

const [folder = '', perSecond = '1000', seconds = '180', everyMs = '100'] = process.argv.slice(2);
const SERIES = 100;

const db = new Database(path.join(folder, 'rows.db'));
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE reading(series INTEGER, time_us INTEGER, value REAL, PRIMARY KEY (series, time_us)) WITHOUT ROWID');
const insert = db.prepare('INSERT INTO reading VALUES (?, ?, ?)');
const commit = db.transaction((count: number, fromUs: number) => {
  for (let i = 0; i < count; i++) insert.run(i % SERIES, fromUs + i * 37, Math.round(Math.random() * 1e4) / 100);
});
const beforeBytes = writtenBytes(process.pid);
const each = (Number(perSecond) * Number(everyMs)) / 1000;
let readings = 0;
for (const endMs = performance.now() + Number(seconds) * 1000; performance.now() < endMs; await wait(Number(everyMs))) {
  commit(each, Date.now() * 1000);
  readings += each;
}
db.close();
console.log(JSON.stringify({ readings, bytes: writtenBytes(process.pid) - beforeBytes }));
