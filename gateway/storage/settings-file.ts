// What the console has set, read out of a registry beside whoever owns it, for a command that only shows it.

import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { SettingRow } from './registry.ts';

/** Empty where there is no registry yet. Throws when it cannot be read. */
export function readSettings(file: string): SettingRow[] {
  if (!existsSync(file)) return [];
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return database.prepare<[], SettingRow>('SELECT id, value FROM settings').all();
  } finally {
    database.close();
  }
}
