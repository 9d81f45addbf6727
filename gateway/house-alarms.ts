// The alarms of a house: which of its parts are asked for what is wrong.

import { backupAlarm, chunkAlarm, createCommitAlarms, portAlarms, storageAlarms, walAlarm } from './alarm-sources.ts';
import { type Alarms, createAlarms } from './alarms.ts';
import type { ChunkAlarm } from './chunk-alarm.ts';
import { createClockWatch } from './clock-watch.ts';
import type { Identity } from './identity/identity.ts';
import type { Ingest } from './ingest/ingest.ts';
import type { Observe } from './observe.ts';
import type { Bus } from './relay/bus.ts';
import type { SerialBook } from './serial-book.ts';
import type { StoreGuard } from './store-guard.ts';
import type { UpkeepDesk } from './upkeep-desk.ts';

export interface AlarmParts {
  readonly observe: Observe;
  readonly bus: Bus;
  readonly ingest: Ingest;
  readonly identity: Identity;
  readonly guard: StoreGuard;
  readonly serial: SerialBook;
  readonly upkeep: UpkeepDesk;
  readonly chunks: ChunkAlarm;
}

export function openHouseAlarms({ observe, bus, ingest, identity, guard, serial, upkeep, chunks }: AlarmParts): Alarms {
  const steadyMs = (): number => performance.now();
  const alarms = createAlarms({ observe, recordEvent: ingest.recordEvent, nowMs: Date.now });
  const commits = createCommitAlarms(steadyMs);
  const leave = [
    bus.subscribe({ readings: commits.heard, presence: () => undefined }),
    identity.onEnd((end) => {
      if (end.what === 'device' || end.what === 'token') commits.settled(end.device);
    }),
  ];
  for (const source of [
    storageAlarms(guard.view),
    walAlarm(guard.largeWalBytes),
    chunkAlarm(chunks.damaged),
    backupAlarm(upkeep.backupFault),
    portAlarms(serial.views),
    createClockWatch({ wallMs: Date.now, steadyMs }),
    commits.source,
  ]) {
    alarms.watch(source);
  }
  return {
    ...alarms,
    close() {
      for (const stop of leave) stop();
      alarms.close();
    },
  };
}
