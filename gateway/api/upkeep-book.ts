// What the API asks of the work on the databases as a whole. An interface only.

import type { Refusal } from '../identity/identity.ts';
import type { BackupView } from '../protocol/rest.ts';

export interface UpkeepBook {
  /** UpkeepNews, a line of JSON each; goes on to its end when nobody reads them. */
  compact(): ReadableStream<Uint8Array> | Refusal;
  /** The same; whoever reads no longer ends it. */
  verify(): ReadableStream<Uint8Array> | Refusal;
  /** The same. Null: into the schedule's folder, under a name with the time. */
  backup(file: string | null): Promise<ReadableStream<Uint8Array> | Refusal>;
  backups(): Promise<readonly BackupView[]>;
}
