// Where the alarms come from: states that are asked for, and what commits tell of.

import type { AlarmSource, AlarmState } from './alarms.ts';
import type { CertificateView, SerialPortView, StorageView } from './protocol/rest.ts';
import type { Committed } from './relay/bus.ts';
import type { EventRow } from './storage/store.ts';

export function storageAlarms(view: () => StorageView): AlarmSource {
  return function* () {
    const { state, message } = view();
    if (state === 'low') yield { name: 'disk-low', severity: 'warning', message };
    else if (state === 'paused') yield { name: 'disk-full', severity: 'critical', message };
    else if (state === 'failed') yield { name: 'store-failed', severity: 'critical', message };
  };
}

const PORT_ALARM: Partial<Readonly<Record<SerialPortView['state'], AlarmState['name']>>> = {
  silent: 'port-silent',
  stuck: 'port-silent',
  garbage: 'port-silent',
  absent: 'port-lost',
  failed: 'port-lost',
};
export function portAlarms(views: () => readonly SerialPortView[]): AlarmSource {
  return function* () {
    for (const { id, device, path, bridge, state, reason, mend } of views()) {
      const name = PORT_ALARM[state];
      if (name === undefined) continue;
      const where = bridge === null ? path : `${path} of the bridge ${bridge}`;
      const message = `The serial port ${where} of ${device}: ${reason}.${mend === '' ? '' : ` To mend it: ${mend}.`}`;
      yield { name, severity: 'warning', message, device, port: id };
    }
  };
}

export function backupAlarm(fault: () => string | null): AlarmSource {
  return function* () {
    const message = fault();
    if (message === null) return;
    yield {
      name: 'backup-failed',
      severity: 'warning',
      message: `The last backup failed: ${message} It is tried again; until one succeeds the newest good one stays.`,
    };
  };
}

export function chunkAlarm(damaged: () => number): AlarmSource {
  return function* () {
    const count = damaged();
    if (count === 0) return;
    const what = count === 1 ? 'A chunk of stored readings is' : `${count} chunks of stored readings are`;
    const message = `${what} damaged and left out of every answer. “fieldgate verify” lists them; a backup that holds them puts them back.`;
    yield { name: 'chunk-damaged', severity: 'critical', message };
  };
}

export function walAlarm(largeBytes: () => number | null): AlarmSource {
  return function* () {
    const bytes = largeBytes();
    if (bytes === null) return;
    const message =
      `The write-ahead log has grown to ${Math.round(bytes / 2 ** 20)} MiB. Another program that keeps fieldgate.db open holds it: ` +
      'close it (sudo fuser -v fieldgate.db names it).';
    yield { name: 'wal-large', severity: 'warning', message };
  };
}

/** How long what happened once is worth an alarm. */
const CONTEST_HELD_MS = 600_000;
const WENT_BACK_HELD_MS = 3_600_000;
const REMEMBERED_DEVICES = 1000;

const WINDOW_MINUTES = 10;
const GROWS_ABOVE = 100;
const CALM_BELOW = 50;

export interface CommitAlarms {
  readonly source: AlarmSource;
  /** To be told of every commit. */
  heard(committed: Committed): void;
  /** A device's token was taken from it: who fought over it has lost. */
  settled(device: string): void;
}

/** Fights over an identity, devices that know more than the gateway, and a quarantine that fills. `steadyMs` never jumps. */
export function createCommitAlarms(steadyMs: () => number): CommitAlarms {
  const contests = new Map<string, { readonly untilMs: number; readonly addresses: string }>();
  const ahead = new Map<string, number>();
  let isGrowing = false;
  /** Refused records of the last minutes, newest last. */
  let minutes: { readonly minute: number; total: number; readonly byDevice: Map<string, number> }[] = [];

  function event({ type, device, detail }: EventRow): void {
    if (type === 'duplicate-identity') {
      const { addresses = [] } = JSON.parse(detail) as { addresses?: string[] };
      if (contests.size < REMEMBERED_DEVICES) {
        contests.set(device, { untilMs: steadyMs() + CONTEST_HELD_MS, addresses: [...new Set(addresses)].join(' and ') });
      }
    } else if (type === 'store-went-back' && ahead.size < REMEMBERED_DEVICES) ahead.set(device, steadyMs() + WENT_BACK_HELD_MS);
  }
  function thisMinute() {
    const minute = Math.floor(steadyMs() / 60_000);
    minutes = minutes.filter((one) => one.minute > minute - WINDOW_MINUTES);
    let last = minutes.at(-1);
    if (last?.minute !== minute) minutes.push((last = { minute, total: 0, byDevice: new Map() }));
    return last as (typeof minutes)[number];
  }

  function* quarantine(): Generator<AlarmState> {
    thisMinute();
    const refused = minutes.reduce((sum, { total }) => sum + total, 0);
    isGrowing = isGrowing ? refused >= CALM_BELOW : refused >= GROWS_ABOVE;
    if (!isGrowing) return;
    const byDevice = new Map<string, number>();
    for (const one of minutes) for (const [device, count] of one.byDevice) byDevice.set(device, (byDevice.get(device) ?? 0) + count);
    const [most = '', its = 0] = [...byDevice].sort((a, b) => b[1] - a[1])[0] ?? [];
    const message =
      `${refused} records were refused in the last ${WINDOW_MINUTES} minutes, ${its >= refused ? 'all' : its} of them from ${most}. ` +
      'The Quarantine page says why; mend the sender or its rule, then replay or discard them.';
    yield { name: 'quarantine-growing', severity: 'warning', message };
  }

  return {
    heard({ batch }) {
      for (const row of batch.events) event(row);
      if (batch.quarantine.length > 0) {
        const minute = thisMinute();
        minute.total += batch.quarantine.length;
        for (const { device } of batch.quarantine) minute.byDevice.set(device, (minute.byDevice.get(device) ?? 0) + 1);
      }
      // what somebody has dealt with grows no more
      let handled = batch.quarantineDiscarded.length + batch.quarantineReplayed.length;
      for (const minute of handled > 0 ? minutes : []) {
        const taken = Math.min(minute.total, handled);
        minute.total -= taken;
        handled -= taken;
      }
    },
    settled: (device) => void contests.delete(device),
    *source() {
      const now = steadyMs();
      for (const [device, { untilMs, addresses }] of contests) {
        if (now >= untilMs) contests.delete(device);
        else {
          const message = `Two senders use the identity of ${device}${addresses === '' ? '' : ` (${addresses})`} and take it from each other. Make a new token for one of them, as a device of its own.`;
          yield { name: 'duplicate-identity', severity: 'warning', message, device };
        }
      }
      for (const [device, untilMs] of ahead) if (now >= untilMs) ahead.delete(device);
      if (ahead.size > 0) {
        const [only] = ahead.keys();
        const who = ahead.size === 1 ? `${only} remembers` : `${ahead.size} devices remember`;
        const message = `${who} more acknowledged frames than this gateway: its data went back, as after a restore. What devices still keep they send again; the rest of that time is in their books as a gap.`;
        yield { name: 'store-went-back', severity: 'warning', message, ...(ahead.size === 1 && only !== undefined && { device: only }) };
      }
      yield* quarantine();
    },
  };
}

const DAY_MS = 86_400_000;
const OWN_WARNING_MS = 14 * DAY_MS;
/** A private authority signs for a year: after this its next certificate would outlive it. */
const AUTHORITY_WARNING_MS = 396 * DAY_MS;

/** The listening port's certificate, or the authority behind it, ends soon, and nothing is seen to replace it. */
export function certificateAlarm(view: () => CertificateView, nowMs: () => number): AlarmSource {
  return function* () {
    const { kind, notBeforeAt, notAfterAt, authority } = view();
    const endsMs = Date.parse(notAfterAt);
    const lifeMs = endsMs - Date.parse(notBeforeAt);
    // its own is renewed when a third is left; a sixth means that this goes wrong
    const warningMs = kind === 'auto' ? lifeMs / 6 : Math.min(OWN_WARNING_MS, lifeMs / 4);
    const now = nowMs();
    const when = (atMs: number): string =>
      now >= atMs ? 'has expired' : `ends on ${new Date(atMs).toISOString().slice(0, 16).replace('T', ' at ')} UTC`;
    const severity = now >= endsMs ? 'critical' : 'warning';
    if (now > endsMs - warningMs) {
      const mend =
        kind === 'own'
          ? 'Put new files in the place of tls.cert and tls.key; they are taken over at once.'
          : 'It should have been renewed: the log says why not.';
      yield {
        name: 'certificate-ending',
        severity,
        message: `The certificate of this gateway ${when(endsMs)}: devices and browsers then refuse it. ${mend}`,
      };
    } else if (authority !== null && now > Date.parse(authority.notAfterAt) - AUTHORITY_WARNING_MS) {
      const message = `The private authority of this gateway ${when(Date.parse(authority.notAfterAt))}. Remove the folder tls of the data directory, start again, and give the new ca.crt to every device.`;
      yield { name: 'certificate-ending', severity: 'warning', message };
    }
  };
}
