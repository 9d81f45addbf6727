// How much a disk is worn: the engine's own counts beside what the operating system says that this process has written.

import { readFileSync } from 'node:fs';
import type { WrittenView } from '../protocol/rest.ts';
import type { Written } from './write-meter.ts';

const DAY_MS = 86_400_000;
/** Before that a start's own writing would be taken for the rate of a day. */
const SETTLED_MS = 60_000;

export function wearOf(written: Written, sinceMs: number, processBytes = readProcessBytes()): WrittenView {
  const bytes = Math.max(written.logBytes + written.databaseBytes, processBytes ?? 0);
  return { ...written, processBytes, bytesPerDay: sinceMs < SETTLED_MS ? null : Math.round((bytes / sinceMs) * DAY_MS) };
}

/** Linux alone keeps that count, and not in every container. */
export function readProcessBytes(): number | null {
  try {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}
