// A file in the data directory that is there while a restore exchanges its databases.

export const RESTORE_MARKER = 'restore-under-way';
