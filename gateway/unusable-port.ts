// A port of the registry that cannot be used any more (an older gateway took it, or the file has the same port now): shown with the reason,
// and with its settings as far as there are any, so that somebody can mend or remove it.

import type { SerialPortView, SerialSettings } from './protocol/rest.ts';
import type { SerialPortRow } from './storage/registry.ts';

export function unusableView(row: SerialPortRow, reason: string): SerialPortView {
  const settings = settingsIn(row.settings);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const kind = (value: unknown): string => text(typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : value);
  return {
    id: row.id,
    origin: 'console',
    bridge: null,
    settings: settings as SerialSettings | null,
    path: text(settings?.path),
    device: text(settings?.device),
    state: 'failed',
    reason,
    mend: 'change its settings, or remove it',
    sinceAt: new Date().toISOString(),
    baudRate: typeof settings?.baudRate === 'number' ? settings.baudRate : 0,
    framing: kind(settings?.framing),
    rule: kind(settings?.rule),
    expectEverySeconds: null,
    linesPerSecond: 0,
    bytes: 0,
    lines: 0,
    readings: 0,
    errors: 0,
    faults: {},
    skipped: {},
    slaves: [],
    lastFrames: [],
  };
}

function settingsIn(json: string): Partial<Record<keyof SerialSettings, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
