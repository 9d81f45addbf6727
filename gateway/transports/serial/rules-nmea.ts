// NMEA 0183 sentences: positions, speeds, depths and so on, in SenML's units.

import type { SenmlRecord } from '../../protocol/messages.ts';
import { createPositionSource, createSentenceClock } from '../../protocol/nmea-clock.ts';
import { readContent } from '../../protocol/nmea-sentences.ts';
import { readSentence } from '../../protocol/nmea.ts';
import { MAX_FIELDS, type Rule } from './rules.ts';
import type { NmeaSettings } from './rules-settings.ts';
import { readLine, refusal } from './rules-text.ts';

/** `isVerified`: the framing has looked at the checksums, and cut them off. */
export function createNmeaRule({ time = 'arrival' }: NmeaSettings, isVerified: boolean): Rule {
  const clock = createSentenceClock();
  const positions = createPositionSource();
  const options = { maxFields: MAX_FIELDS, isVerified };

  return {
    read(frame, atUs) {
      const line = readLine(frame);
      if (typeof line !== 'string') return line;
      const sentence = readSentence(line.trim(), options);
      if ('fault' in sentence) return refusal(sentence.fault, sentence.message);
      if (time === 'sentence') clock.note(sentence, atUs);
      const content = readContent(sentence);
      if (content === 'bad-number') return refusal(content, `A field of ${sentence.name} is not the number that it should be.`);
      if (content === 'no-match') return refusal(content, `${sentence.name} of another shape than the standard's.`);

      const records: SenmlRecord[] = [...(content?.records ?? [])];
      if (content?.position !== undefined && positions.accepts(sentence, atUs)) {
        const [latitude, longitude] = content.position;
        records.push({ n: 'latitude', u: 'lat', v: latitude }, { n: 'longitude', u: 'lon', v: longitude });
      }
      if (records.length === 0) return { outcome: 'skipped', reason: content?.reason ?? sentence.name };
      if (time === 'arrival') return { outcome: 'readings', records };
      const saidUs = clock.timeUs(atUs);
      if (saidUs === null) return { outcome: 'skipped', reason: 'no-time' };
      return { outcome: 'readings', records: records.map((record) => ({ ...record, t: saidUs / 1e6 })) };
    },
  };
}
