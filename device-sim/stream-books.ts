// What the simulator believes became of a device's frames, stream by stream: its side of the comparison with the gateway's accounting.

import type { Reject } from '../gateway/protocol/messages.ts';
import type { BufferEntry } from '../gateway/protocol/send-buffer.ts';

export interface StreamBook {
  readonly device: string;
  readonly stream: string;
  /** Highest acked seq. */
  acked: number;
  /** Frames with at least one record that was not refused, frames without, and frames that were declared lost. */
  stored: number;
  quarantined: number;
  gaps: number;
  /** Readings in stored frames that were not refused, and the refusals. */
  readings: number;
  refused: number;
  /** False once the device went on under another stream: then the gateway may know of more acks than arrived here. */
  isOpen: boolean;
}

export interface DeviceBooks {
  readonly streams: readonly StreamBook[];
  settled(entry: BufferEntry): void;
  rejected(reject: Reject): void;
  begin(stream: string): void;
}

export function createDeviceBooks(device: string, stream: string): DeviceBooks {
  let book = emptyBook(device, stream);
  const streams = [book];
  /** Refusals of frames whose ack is still to come. */
  const refusals = new Map<number, Reject['errors']>();
  return {
    streams,
    settled(entry) {
      book.acked = entry.to;
      if (entry.body === null) {
        book.gaps += entry.to - entry.from + 1;
        return;
      }
      const errors = refusals.get(entry.from);
      refusals.delete(entry.from);
      const isWhole = errors?.some((error) => error.index === undefined) ?? false;
      const lost = isWhole ? entry.readings : (errors?.length ?? 0);
      book.refused += errors?.length ?? 0;
      book.readings += entry.readings - lost;
      if (lost < entry.readings) book.stored++;
      else book.quarantined++;
    },
    rejected(reject) {
      if (Array.isArray(reject.errors) && reject.seq > book.acked) refusals.set(reject.seq, reject.errors);
    },
    begin(next) {
      book.isOpen = false;
      refusals.clear();
      book = emptyBook(device, next);
      streams.push(book);
    },
  };
}

function emptyBook(device: string, stream: string): StreamBook {
  return { device, stream, acked: 0, stored: 0, quarantined: 0, gaps: 0, readings: 0, refused: 0, isOpen: true };
}
