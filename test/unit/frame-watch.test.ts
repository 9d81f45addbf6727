// Frames are kept only while somebody asks for them.

import { expect, test } from 'vitest';
import { createFrameWatch } from '../../gateway/ingest/frame-watch.ts';

const frame = { kind: 'pack', stream: '~ws', seq: 1, bytes: Buffer.from('[]'), stored: 0, faults: [] } as const;

test('a watch ends a minute after the last question, and nothing is kept then', () => {
  let nowMs = 0;
  const watch = createFrameWatch(() => nowMs);
  expect(watch.isOn).toBe(false);
  watch.saw('a', 0, frame);
  expect(watch.watch('a')?.frames).toEqual([]);
  expect(watch.isOn).toBe(true);
  watch.saw('a', 0, frame);
  watch.saw('b', 0, frame);
  nowMs = 59_999;
  expect(watch.watch('a')?.frames).toHaveLength(1);
  nowMs += 60_000;
  expect(watch.watch('b')?.frames).toEqual([]);
  expect(watch.watch('a')?.frames).toEqual([]);
  watch.close();
  expect(watch.isOn).toBe(false);
});
