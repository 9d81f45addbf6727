// What the API asks of imports; who stands behind it is the composition's business.

import type { Refusal } from '../identity/identity.ts';

export interface ImportQuestion {
  /** Null: every device that the file names. */
  readonly device: string | null;
  readonly metric?: string;
  readonly unit?: string;
}
export interface ImportBook {
  /** Takes the whole body first. Lines of JSON then, `ImportNews` of protocol/rest.ts; whoever stops reading them ends the import. */
  start(question: ImportQuestion, body: AsyncIterable<Uint8Array>): Promise<ReadableStream<Uint8Array> | Refusal>;
}
