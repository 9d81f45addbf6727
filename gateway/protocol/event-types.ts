// Every type of event that the gateway writes. What records one takes only these, and the console has words for each.

export const EVENT_TYPES = [
  // of a device
  'online',
  'offline',
  'frame-refused',
  'clock-suspect',
  'unit-changed',
  'duplicate-identity',
  'store-went-back',
  'quarantine-replayed',
  'quarantine-discarded',
  'import',
  // of a device that asks for a token, or of the window in which it may; `reason` says which
  'pairing',
  'serial-replay',
  // an act of a person or a key; `reason` is the act's name in the audit, which says who
  'act',
  // of a serial port, with its device
  'port-opening',
  'port-open',
  'port-absent',
  'port-silent',
  'port-garbage',
  'port-stuck',
  'port-failed',
  'port-closed',
  'port-added',
  'port-changed',
  'port-removed',
  'slave-silent',
  'slave-answers',
  // of the gateway itself
  'disk-low',
  'disk-full',
  'disk-freed',
  'store-failed',
  'store-recovered',
  'wal-large',
  'chunk-damaged',
  'retention',
  'backup-failed',
  'certificate-ending',
  'clock-jumped',
  'quarantine-growing',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Alarms of the gateway itself. */
export const ALARM_NAMES = [
  'disk-low',
  'disk-full',
  'store-failed',
  'wal-large',
  'chunk-damaged',
  'backup-failed',
  'certificate-ending',
  'clock-jumped',
  'duplicate-identity',
  'quarantine-growing',
  'store-went-back',
  // `silent`: nothing comes, or nothing that can be read; `lost`: it is not there, or cannot be opened
  'port-silent',
  'port-lost',
] as const;
export type AlarmName = (typeof ALARM_NAMES)[number];
