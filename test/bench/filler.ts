// A child of the restart benchmark: fills the readings' database of a folder to a size, says so, and goes on until it is killed.
//   node filler.ts FOLDER BYTES

import { statSync } from 'node:fs';
import path from 'node:path';
import { Batcher, type Columns, columnsOf } from '../../gateway/ingest/batcher.ts';
import { openSqliteStore } from '../../gateway/storage/sqlite-store.ts';
import { KIND } from '../../gateway/storage/store.ts';

const DEVICES = 5000;
const SERIES_EACH = 4;
const READINGS_A_FRAME = 8;
const FRAMES_A_COMMIT = 2000;

const [folder = '', bytes = ''] = process.argv.slice(2);
const file = path.join(folder, 'fieldgate.db');
const store = await openSqliteStore({ file, walCheckpointBytes: 4 * 1024 * 1024, readers: 1 });
const batcher = new Batcher(() => undefined);
const streams = Array.from({ length: DEVICES }, (_, i) => ({
  id: i + 1,
  device: `device-${i}`,
  stream: `stream-${String(i).padStart(6, '0')}`,
  createdAtUs: Date.now() * 1000,
  acked: 0,
  bodyHash: '',
  retired: false,
  lastUsedAtUs: 0,
  markSerial: 0,
  markIndex: 0,
}));
for (const stream of streams) {
  batcher.addStream(stream);
  for (let m = 0; m < SERIES_EACH; m++) {
    batcher.addSeries({ id: (stream.id - 1) * SERIES_EACH + m + 1, device: stream.device, metric: `metric-${m}`, unit: 'Cel' });
  }
}

let last: Columns | null = null;
let isFull = false;
for (let turn = 0; ; turn++) {
  for (let f = 0; f < FRAMES_A_COMMIT; f++) {
    const stream = streams[(turn * FRAMES_A_COMMIT + f) % DEVICES];
    const nowUs = Date.now() * 1000;
    batcher.beginFrame();
    for (let r = 0; r < READINGS_A_FRAME; r++) {
      const series = (stream.id - 1) * SERIES_EACH + (r % SERIES_EACH) + 1;
      batcher.add(series, nowUs - r * 1000, KIND.number, Math.random() * 100);
    }
    batcher.endFrame(stream, ++stream.acked, 0, nowUs);
  }
  const sealed = batcher.seal();
  await store.append(sealed.batch);
  if (last !== null) batcher.recycle(last);
  last = columnsOf(sealed.batch);
  if (!isFull && statSync(file).size >= Number(bytes)) {
    isFull = true;
    console.log('filled');
  }
}
