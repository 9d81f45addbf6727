// What a disk may hold after the power went at some place of a write journal: everything that was synced, some of what was not, the last of
// it torn, names that were never synced perhaps not there. Harsher than most file systems: nothing but a sync makes anything last.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SeededRandom } from './seeded-random.ts';

export interface Journal {
  /** Places at which the power can go: after each record, in order. */
  readonly ends: readonly number[];
  /** Those after a finished sync. */
  readonly syncs: readonly number[];
  /** Writes into `folder` what the disk may hold when the power goes at `cut`; false where not even the directory's first file lasted. */
  writeImage(folder: string, cut: number, random: SeededRandom): boolean;
}

const OP = {
  open: 1,
  close: 2,
  write: 3,
  truncate: 4,
  syncBegin: 5,
  syncEnd: 6,
  rename: 7,
  unlink: 8,
  makeDirectory: 9,
  link: 10,
} as const;
const FLAG = { created: 1, emptied: 2, failed: 4, void: 128 } as const;
const HEAD_BYTES = 24;
const FIRST = 8;
const SECTOR_BYTES = 512;
/** How much of what was not synced reached the disk; one is drawn for each image. */
const SHARES = [0, 0.2, 0.5, 0.8, 1];

interface JournalRecord {
  readonly end: number;
  readonly op: number;
  readonly flags: number;
  /** Process and descriptor, or process and number of a sync. */
  readonly handle: string;
  readonly offset: number;
  readonly payload: Buffer;
}
/** Bytes at `offset`, or (null) the new size. */
interface Change {
  readonly offset: number;
  readonly bytes: Buffer | null;
}
interface NameChange {
  readonly sets: readonly [name: string, file: File][];
  readonly removes: readonly string[];
}
/** A file or a directory, whatever its name is. Of a directory the changes are names. */
interface File {
  readonly isDirectory: boolean;
  content: Buffer;
  size: number;
  changes: Change[];
  nameChanges: NameChange[];
}

export function parseJournal(journal: Buffer): Journal {
  const records: JournalRecord[] = [];
  for (let at = FIRST; at < journal.length; ) {
    const bytes = journal.readUInt32LE(at);
    const op = journal[at + 4];
    const offset = Number(journal.readBigUInt64LE(at + 16));
    const isSync = op === OP.syncBegin || op === OP.syncEnd;
    const payload = journal.subarray(at + HEAD_BYTES, at + HEAD_BYTES + bytes);
    const handle = `${journal.readUInt32LE(at + 8)}:${journal.readInt32LE(at + 12)}${isSync ? `:${offset}` : ''}`;
    const flags = journal[at + 5];
    at += HEAD_BYTES + Math.ceil(bytes / 8) * 8;
    if ((flags & FLAG.void) === 0) records.push({ end: at, op, flags, handle, offset, payload });
  }
  return {
    ends: records.map((record) => record.end),
    syncs: records.filter((record) => record.op === OP.syncEnd).map((record) => record.end),
    writeImage(folder, cut, random) {
      const disk = replay(records, cut, random);
      return disk.save(folder);
    },
  };
}

function replay(records: readonly JournalRecord[], cut: number, random: SeededRandom): { save(folder: string): boolean } {
  const root = makeFile(true);
  /** As the process sees it, and as it would be found after a cut. */
  const names = new Map<string, File>([['.', root]]);
  const lasting = new Map<string, File>([['.', root]]);
  const opened = new Map<string, File>();
  const begun = new Map<string, { file: File; changes: Change[]; nameChanges: NameChange[] }>();

  const fileOf = (map: Map<string, File>, key: string): File => {
    const file = map.get(key);
    if (file === undefined) throw new Error(`the journal speaks of ${key}, which it did not see being made`);
    return file;
  };
  const changeNames = (name: string, change: NameChange): void => {
    for (const removed of change.removes) names.delete(removed);
    for (const [set, file] of change.sets) names.set(set, file);
    const parent = dirname(name);
    fileOf(names, parent).nameChanges.push(change);
  };
  const keepNames = (change: NameChange): void => {
    for (const removed of change.removes) lasting.delete(removed);
    for (const [set, file] of change.sets) lasting.set(set, file);
  };

  for (const { end, op, flags, handle, offset, payload } of records) {
    if (end > cut) break;
    const [name = '', other = ''] = op === OP.write ? [] : payload.toString().split('\n');
    switch (op) {
      case OP.open: {
        if ((flags & FLAG.created) !== 0) changeNames(name, { sets: [[name, makeFile(false)]], removes: [] });
        const file = fileOf(names, name);
        if ((flags & FLAG.emptied) !== 0) file.changes.push({ offset: 0, bytes: null });
        opened.set(handle, file);
        break;
      }
      case OP.close:
        opened.delete(handle);
        break;
      case OP.write:
        fileOf(opened, handle).changes.push({ offset, bytes: payload });
        break;
      case OP.truncate:
        fileOf(opened, handle).changes.push({ offset, bytes: null });
        break;
      case OP.syncBegin: {
        const file = fileOf(opened, handle.slice(0, handle.lastIndexOf(':')));
        begun.set(handle, { file, changes: [...file.changes], nameChanges: [...file.nameChanges] });
        break;
      }
      case OP.syncEnd: {
        const sync = begun.get(handle);
        begun.delete(handle);
        if (sync === undefined) break;
        // after a sync that failed the kernel takes the pages for clean: what did not reach the disk never will, whoever syncs later
        const hasFailed = (flags & FLAG.failed) !== 0;
        for (const change of settle(sync.file, 'changes', sync.changes)) if (!hasFailed || random.next() < 0.5) apply(sync.file, change);
        for (const change of settle(sync.file, 'nameChanges', sync.nameChanges)) if (!hasFailed || random.next() < 0.5) keepNames(change);
        break;
      }
      case OP.rename:
        changeNames(other, { sets: [[other, fileOf(names, name)]], removes: [name] });
        break;
      case OP.link:
        changeNames(other, { sets: [[other, fileOf(names, name)]], removes: [] });
        break;
      case OP.unlink:
        changeNames(name, { sets: [], removes: [name] });
        break;
      case OP.makeDirectory:
        changeNames(name, { sets: [[name, makeFile(true)]], removes: [] });
        break;
      default:
        throw new Error(`the journal has an unknown record ${op}`);
    }
  }

  const share = random.pick(SHARES);
  const all = new Set([...names.values(), ...lasting.values(), ...opened.values()]);
  for (const file of all) {
    const chosen = file.changes.filter(() => random.next() < share);
    chosen.forEach((change, i) => apply(file, i === chosen.length - 1 ? torn(change, random) : change));
    // a name needs the ones before it on the same names: a file that was never made cannot be renamed
    const missing = new Set<string>();
    for (const change of file.nameChanges) {
      const touched = [...change.removes, ...change.sets.map(([name]) => name)];
      if (random.next() < share && !touched.some((name) => missing.has(name))) keepNames(change);
      else for (const name of touched) missing.add(name);
    }
  }
  return { save: (folder) => save(folder, lasting) };
}

function makeFile(isDirectory: boolean): File {
  return { isDirectory, content: Buffer.alloc(0), size: 0, changes: [], nameChanges: [] };
}

/** Takes the first ones off the list, as many as are still there of those that were there when the sync began. */
function settle<K extends 'changes' | 'nameChanges'>(file: File, kind: K, begun: File[K]): File[K] {
  const list = file[kind] as unknown[];
  const known = new Set(begun as unknown[]);
  const settled = list.filter((change) => known.has(change));
  (file[kind] as unknown[]) = list.filter((change) => !known.has(change));
  return settled as File[K];
}

function apply(file: File, { offset, bytes }: Change): void {
  if (bytes === null) {
    if (offset < file.size) file.content.fill(0, offset, file.size);
    reserve(file, offset);
    file.size = offset;
    return;
  }
  reserve(file, offset + bytes.length);
  bytes.copy(file.content, offset);
  file.size = Math.max(file.size, offset + bytes.length);
}

/** Behind `size` there are zeros. */
function reserve(file: File, bytes: number): void {
  if (file.content.length >= bytes) return;
  const larger = Buffer.alloc(Math.max(bytes, file.content.length * 2, 4096));
  file.content.copy(larger, 0, 0, file.size);
  file.content = larger;
}

/** The first sectors of a write, perhaps none, perhaps all. */
function torn({ offset, bytes }: Change, random: SeededRandom): Change {
  if (bytes === null) return { offset, bytes };
  const borders = Math.floor((offset + bytes.length) / SECTOR_BYTES) - Math.floor(offset / SECTOR_BYTES);
  const border = (Math.floor(offset / SECTOR_BYTES) + random.whole(0, borders + 1)) * SECTOR_BYTES;
  return { offset, bytes: bytes.subarray(0, Math.min(bytes.length, Math.max(0, border - offset))) };
}

function save(folder: string, lasting: ReadonlyMap<string, File>): boolean {
  const isThere = (name: string): boolean => name === '.' || (lasting.get(name)?.isDirectory === true && isThere(dirname(name)));
  let files = 0;
  for (const [name, file] of lasting) {
    if (name === '.' || !isThere(dirname(name))) continue;
    const path = join(folder, name);
    if (file.isDirectory) mkdirSync(path, { recursive: true, mode: 0o700 });
    else {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, file.content.subarray(0, file.size), { mode: 0o600 });
      files += 1;
    }
  }
  return files > 0;
}
