// A recorded NMEA 0183 log, line by line and byte for byte, each line with its due time: the pace is that of the UTC times in its sentences.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { readSentence } from '../gateway/protocol/nmea.ts';
import { secondsOfDay } from '../gateway/protocol/nmea-fields.ts';
import { unreadableFile } from './failure.ts';
import type { Utterance } from './serial-speech.ts';

export interface LogLine extends Utterance {
  /** Since the first line. */
  readonly dueMs: number;
}

/** More than any sentence has: what is too much is not this file's to judge. */
const READING = { maxFields: 10_000, isVerified: false };
/** Where a sentence has its UTC time. */
const TIME_FIELD: Readonly<Record<string, number>> = { GGA: 0, RMC: 0, ZDA: 0, GNS: 0, GLL: 4 };
const DAY_SECONDS = 86_400;
/** A log that stood still for longer was switched off, or is two logs. */
const LONGEST_PAUSE_MS = 60_000;

export async function* readLog(path: string): AsyncGenerator<LogLine> {
  let dueMs = 0;
  let lastSeconds: number | null = null;
  const input = createReadStream(path, 'latin1');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const sentence = readSentence(line, READING);
      const seconds = 'fault' in sentence ? null : secondsOfDay(sentence.fields[TIME_FIELD[sentence.type] ?? -1] ?? '');
      if (seconds !== null) {
        const pauseMs = lastSeconds === null ? 0 : ((seconds - lastSeconds + DAY_SECONDS) % DAY_SECONDS) * 1000;
        if (pauseMs <= LONGEST_PAUSE_MS) dueMs += pauseMs;
        lastSeconds = seconds;
      }
      yield { kind: 'fault' in sentence ? sentence.fault : sentence.name, content: Buffer.from(line, 'latin1'), dueMs };
    }
  } catch (error) {
    throw unreadableFile(path, error);
  } finally {
    input.destroy();
  }
}
