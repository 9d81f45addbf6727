// From the records of a buffer's file back to its frames: as they were where the file is whole, and as much as can be told where it is not.

import type { BufferRecord } from './buffer-log.ts';
import { FrameQueue, type QueueRoom } from './frame-queue.ts';

const ignore = (): void => {};

/** Null when the records do not fit together. */
export function replay(
  records: readonly BufferRecord[],
  room: QueueRoom,
): { readonly queue: FrameQueue; readonly provenTo: number } | null {
  const start = records[0];
  if (start?.kind !== 'start') return null;
  const queue = new FrameQueue(start, room);
  let doubtedFrom: number | null = start.provenTo;
  for (const record of records.slice(1)) {
    if (record.kind === 'confirmed') doubtedFrom = null;
    else if (record.kind === 'opened') doubtedFrom ??= queue.next - 1;
    else if (!apply(queue, record)) return null;
  }
  return { queue, provenTo: doubtedFrom ?? queue.next - 1 };
}

/** False when the record cannot follow on what the queue holds. */
function apply(queue: FrameQueue, record: BufferRecord): boolean {
  switch (record.kind) {
    case 'frame':
      if (record.seq !== queue.next) return false;
      queue.push(record);
      queue.makeRoomOfSettled();
      return true;
    case 'gap':
      if (record.from !== queue.next || record.to < record.from) return false;
      queue.pushGap(record.to - record.from + 1, record.reason);
      return true;
    case 'lost':
      queue.lose(record.from, record.to);
      return true;
    case 'acked':
      if (record.seq >= queue.next) return false;
      queue.settle(record.seq, ignore);
      return true;
    case 'replaced':
      if (queue.at(record.seq)?.from !== record.seq) return false;
      queue.replace(record.seq, record.frames);
      return true;
    case 'start':
      return false;
    case 'opened':
    case 'confirmed':
      return true;
    default:
      return record satisfies never;
  }
}

/**
 * What a damaged file still holds, under a new stream: each run of records stands for itself, because a renumbering may lie in the damage.
 * So a frame that was settled by an ack behind the damage goes again: twice is better than never.
 */
export function salvage(runs: readonly (readonly BufferRecord[])[], stream: string, room: QueueRoom): FrameQueue {
  const saved = new FrameQueue({ stream, first: 1, acked: 0 }, room);
  let before = { next: 1, acked: 0 };
  const keep = (queue: FrameQueue, first: number): void => {
    // Numbers that nobody saw, unless an ack told of them.
    const missing = first - 1 - Math.max(before.next - 1, queue.acked);
    if (missing > 0 && before.next > 1) saved.pushGap(missing, 'damaged');
    for (const entry of queue.unsettled()) {
      if (entry.body === null) saved.pushGap(entry.to - entry.from + 1, entry.reason);
      else saved.push({ body: entry.body, readings: entry.readings });
    }
    before = { next: queue.next, acked: queue.acked };
  };
  for (const run of runs) {
    let queue: FrameQueue | null = null;
    let first = 0;
    for (const record of run) {
      if (queue !== null && apply(queue, record)) continue;
      const at = record.kind === 'start' ? record.first : record.kind === 'frame' ? record.seq : record.kind === 'gap' ? record.from : null;
      if (at === null) continue;
      if (queue !== null) keep(queue, first);
      first = at;
      queue = new FrameQueue(record.kind === 'start' ? record : { stream, first, acked: Math.min(before.acked, first - 1) }, room);
      if (record.kind !== 'start') apply(queue, record);
    }
    if (queue !== null) keep(queue, first);
  }
  return saved;
}
