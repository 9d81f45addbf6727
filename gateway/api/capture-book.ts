// What the API asks of captures and replays of serial ports. An interface only.

import type { SerialRefusal } from './api-deps.ts';

export interface CaptureQuestion {
  readonly seconds: number;
  /** Of the port's bytes. */
  readonly maxBytes: number;
}
export interface ReplayQuestion {
  readonly device: string;
  /** The id of a port whose framing and rule are meant; null: those that are named here, else those of the capture. */
  readonly port: string | null;
  /** As settings have them; undefined: not named. Nobody has checked them. */
  readonly framing: unknown;
  readonly rule: unknown;
  /** Infinity: as fast as the store takes it. */
  readonly speed: number;
  readonly times: 'captured' | 'now';
}
export interface CaptureBook {
  /** A capture of this port, as it grows. */
  capture(port: string, question: CaptureQuestion): ReadableStream<Uint8Array> | SerialRefusal;
  /** Has it write its end. */
  finish(port: string): true | SerialRefusal;
  /** ReplayNews, a line of JSON each. Whoever reads them no longer ends the replay. */
  replay(question: ReplayQuestion, body: AsyncIterable<Uint8Array>, actor: string): Promise<ReadableStream<Uint8Array> | SerialRefusal>;
}
