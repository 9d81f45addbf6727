// Alarms of what happened once end by time; a clock is judged by its steps.

import { expect, test } from 'vitest';
import { certificateAlarm, createCommitAlarms } from '../../gateway/alarm-sources.ts';
import { createClockWatch } from '../../gateway/clock-watch.ts';
import type { CertificateView } from '../../gateway/protocol/rest.ts';
import type { Committed } from '../../gateway/relay/bus.ts';
import type { EventRow, QuarantineRow } from '../../gateway/storage/store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function committed({ events = [], refused = 0 }: { events?: EventRow[]; refused?: number }): Committed {
  const quarantine = Array.from({ length: refused }, () => ({ device: 'pump-1' }) as QuarantineRow);
  return { batch: { events, quarantine, quarantineReplayed: [], quarantineDiscarded: [] }, position: 0 } as unknown as Committed;
}
const event = (type: string, device: string, detail = '{}'): EventRow => ({ atUs: 0, device, type, reason: '', detail });

function createHouse() {
  let nowMs = 5 * HOUR_MS;
  const commits = createCommitAlarms(() => nowMs);
  return {
    ...commits,
    pass(ms: number): void {
      nowMs += ms;
    },
    names: () => [...commits.source()].map(({ name }) => name),
  };
}

test('a fight over an identity is over ten minutes after its last event', () => {
  const { heard, names, pass, source } = createHouse();
  heard(committed({ events: [event('duplicate-identity', 'pump-1', '{"addresses":["10.0.0.1","10.0.0.2"]}')] }));
  expect([...source()][0]?.message).toContain('pump-1 (10.0.0.1 and 10.0.0.2)');
  pass(9 * MINUTE_MS);
  heard(committed({ events: [event('duplicate-identity', 'pump-1')] }));
  pass(9 * MINUTE_MS);
  expect(names()).toEqual(['duplicate-identity']);
  pass(2 * MINUTE_MS);
  expect(names()).toEqual([]);
});

test('devices that know more than the gateway are told for an hour', () => {
  const { heard, names, pass } = createHouse();
  heard(committed({ events: [event('store-went-back', 'pump-1')] }));
  pass(HOUR_MS - 1);
  expect(names()).toEqual(['store-went-back']);
  pass(2);
  expect(names()).toEqual([]);
});

test('quarantine grows from a hundred refusals in ten minutes on, and calms below fifty', () => {
  const { heard, names, pass } = createHouse();
  heard(committed({ refused: 60 }));
  pass(5 * MINUTE_MS);
  heard(committed({ refused: 39 }));
  expect(names()).toEqual([]);
  heard(committed({ refused: 1 }));
  expect(names()).toEqual(['quarantine-growing']);
  pass(4 * MINUTE_MS);
  expect(names()).toEqual(['quarantine-growing']);
  pass(2 * MINUTE_MS);
  expect(names()).toEqual([]);
});

test('a step of the clock is told for an hour; drift is not, and steps add up', () => {
  let wallMs = 1_700_000_000_000;
  let steadyMs = 0;
  const watch = createClockWatch({ wallMs: () => wallMs, steadyMs: () => steadyMs });
  const pass = (ms: number, drift = 0): string[] => {
    steadyMs += ms;
    wallMs += ms + drift;
    return [...watch()].map(({ message }) => message.split('.')[0] ?? '');
  };
  for (let i = 0; i < 20; i++) expect(pass(1000, 1500)).toEqual([]);
  wallMs -= 90_000;
  expect(pass(1000)).toEqual(['The clock of this machine was set back by 90 s']);
  wallMs += 30_000;
  expect(pass(1000)).toEqual(['The clock of this machine was set back by 60 s']);
  expect(pass(HOUR_MS - 2000)).toHaveLength(1);
  expect(pass(2000)).toEqual([]);
  wallMs += 3 * DAY_MS;
  expect(pass(1000)).toEqual(['The clock of this machine was set forward by 3 days']);
  wallMs -= 3 * DAY_MS;
  expect(pass(1000)).toEqual([]);
});

test('a certificate of its own is an alarm when its renewal has failed, and so is an authority that ends', () => {
  const at = (ms: number): string => new Date(ms).toISOString();
  const view: CertificateView = {
    kind: 'auto',
    names: [],
    subject: '',
    issuer: '',
    notBeforeAt: at(0),
    notAfterAt: at(396 * DAY_MS),
    renewsAt: at(264 * DAY_MS),
    fingerprint: '',
    authority: { fingerprint: '', notAfterAt: at(3000 * DAY_MS) },
  };
  const told = (nowMs: number, its = view) =>
    [
      ...certificateAlarm(
        () => its,
        () => nowMs,
      )(),
    ].map(({ severity, message }) => `${severity}: ${message}`);
  expect(told(300 * DAY_MS)).toEqual([]);
  expect(told(331 * DAY_MS)).toEqual([expect.stringMatching(/^warning: .* ends on 1971-02-01 at 00:00 UTC.*the log says why not/)]);
  expect(told(397 * DAY_MS)).toEqual([expect.stringMatching(/^critical: .* has expired/)]);
  const old = { ...view, authority: { fingerprint: '', notAfterAt: at(600 * DAY_MS) } };
  expect(told(205 * DAY_MS, old)).toEqual([expect.stringMatching(/^warning: The private authority/)]);
});
