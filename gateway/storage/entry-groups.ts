// Entries of the index summed up some at a time, in memory: a chart whose buckets hold tens of chunks goes through the groups, and through
// entries only where a border cuts a group.

import { addEntry, cellOf, isSummed } from './bucket-cell.ts';
import { type EntryColumns, entryAt, FIELD, FIELDS } from './chunk-entries.ts';
import { type ChunkKind, MIXED } from './chunk-format.ts';

export const GROUP = 8;

/** Fields as of entries; one whose kind is not summed stands for nothing. Beside entries whose readings are gone, none does. */
export function groupEntries(entries: EntryColumns): EntryColumns {
  const count = entries.length / FIELDS;
  const groups = new Float64Array(Math.floor(count / GROUP) * FIELDS);
  for (let g = 0; g < groups.length; g += FIELDS) {
    const first = g * GROUP;
    const end = first + GROUP * FIELDS;
    const kind = entries[first + FIELD.kind] as ChunkKind;
    groups[g + FIELD.kind] = MIXED;
    if (!isAlike(entries, first, end)) continue;
    const cell = cellOf(kind, entryAt(entries, first / FIELDS));
    for (let at = first + FIELDS; at < end; at += FIELDS) addEntry(cell, entries, at);
    groups[g + FIELD.kind] = kind;
    groups[g + FIELD.count] = cell.count;
    groups[g + FIELD.startUs] = cell.firstUs;
    groups[g + FIELD.endUs] = cell.lastUs;
    groups[g + FIELD.min] = cell.min;
    groups[g + FIELD.max] = cell.max;
    groups[g + FIELD.sum] = cell.sum;
    groups[g + FIELD.lost] = cell.lost;
    groups[g + FIELD.first] = Number(cell.first);
    groups[g + FIELD.last] = Number(cell.last);
  }
  return groups;
}

function isAlike(entries: EntryColumns, first: number, end: number): boolean {
  const kind = entries[first + FIELD.kind] as ChunkKind;
  if (!isSummed(kind)) return false;
  for (let at = first; at < end; at += FIELDS) if (entries[at + FIELD.id] === 0 || entries[at + FIELD.kind] !== kind) return false;
  return true;
}
