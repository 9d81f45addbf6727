// What the threads that answer questions keep between two of them, at most; it goes when none has come for some seconds. The budget of the
// process counts it.

/** Threads. */
export const READERS = 2;
/** A chunk of each of 2,000 series, which an export of all needs from page to page. */
export const KEPT_READINGS = 2_500_000;
const READING_BYTES = 16;
export const KEPT_ENTRIES = 65_536;
/** With its share of the group that it is in. */
const ENTRY_BYTES = 126;

export const KEPT_BYTES = READERS * (KEPT_READINGS * READING_BYTES + KEPT_ENTRIES * ENTRY_BYTES);
