// Chunks that were found damaged, told by name: in the log, as an event of their device, and as a count.

import type { Ingest } from './ingest/ingest.ts';
import type { Catalogue } from './ingest/catalogue.ts';
import type { Observe } from './observe.ts';
import type { DamagedChunk } from './storage/chunk-source.ts';

export interface ChunkAlarm {
  hear(damaged: DamagedChunk): void;
  /** Found since the start. */
  damaged(): number;
  /** From now on there is somebody to tell; what was heard before is told now. */
  start(parts: { catalogue: Catalogue; recordEvent: Ingest['recordEvent'] }): void;
}

export function createChunkAlarm(observe: Observe): ChunkAlarm {
  const count = observe.counter('fieldgate_chunks_damaged_total', 'Chunks found damaged since the start; queries answer without them.');
  let early: DamagedChunk[] | null = [];
  let tell: (damaged: DamagedChunk) => void = () => undefined;
  return {
    damaged: () => count.value,
    hear(damaged) {
      count.add();
      if (early === null) tell(damaged);
      else early.push(damaged);
    },
    start({ catalogue, recordEvent }) {
      tell = ({ id, series, startUs, endUs, readings, what }) => {
        const its = catalogue.series(series);
        const detail = { chunk: id, metric: its?.metric ?? '', fromMs: startUs / 1000, toMs: endUs / 1000, readings, what };
        observe.log.error(
          { device: its?.device, ...detail },
          'A chunk of readings is damaged and left out; fieldgate verify lists them all',
        );
        recordEvent({ device: its?.device ?? '', type: 'chunk-damaged', reason: 'set-aside', detail });
      };
      for (const damaged of early ?? []) tell(damaged);
      early = null;
    },
  };
}
