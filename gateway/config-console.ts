// What may be set on the console while the gateway runs: which keys, and what their values may be, judged by the code that judges the
// file's. Each of them takes effect at once; whatever needs a restart is not here.

import { type Config, DEFAULTS } from './config.ts';
import { readRetention } from './config-retention.ts';
import { CONFIG_SCHEMA, keyPaths, keyTree, z } from './config-schema.ts';
import { nearest } from './nearest.ts';

export const CONSOLE_KEYS = [
  'liveness.pingSeconds',
  'liveness.pongSeconds',
  'retention',
  'backup.every',
  'backup.keep',
  'backup.dir',
] as const;
export type ConsoleKey = (typeof CONSOLE_KEYS)[number];
/** By key; null takes back what was set here. */
export type ConsoleValues = ReadonlyMap<ConsoleKey, unknown>;

export interface ConsoleFault {
  /** A JSON pointer. */
  readonly pointer: string;
  readonly detail: string;
}
export interface ConsoleAnswer {
  /** To be used when there is no fault. */
  readonly values: ConsoleValues;
  readonly faults: readonly ConsoleFault[];
}

const KNOWN_KEYS = keyPaths(keyTree(DEFAULTS));

export const isConsoleKey = (key: string): key is ConsoleKey => (CONSOLE_KEYS as readonly string[]).includes(key);
export const pointerOf = (key: string): string => `/${key.replaceAll('.', '/')}`;

/** A body with the shape of the file: `{"backup": {"every": "24h"}}`. */
export function readConsoleSettings(raw: unknown): ConsoleAnswer {
  const values = new Map<ConsoleKey, unknown>();
  const faults: ConsoleFault[] = [];
  const walk = (node: unknown, prefix: string): void => {
    if (node === null || typeof node !== 'object' || Array.isArray(node)) {
      faults.push({ pointer: prefix === '' ? '' : pointerOf(prefix.slice(0, -1)), detail: 'must be a map of keys' });
      return;
    }
    for (const [name, value] of Object.entries(node)) {
      const key = prefix + name;
      if (!isConsoleKey(key)) {
        if (CONSOLE_KEYS.some((known) => known.startsWith(`${key}.`))) walk(value, `${key}.`);
        else faults.push({ pointer: pointerOf(key), detail: whyNot(key) });
      } else if (value === null) values.set(key, null);
      else {
        const read = readConsoleValue(key, value);
        if (read.faults.length === 0) values.set(key, read.value);
        faults.push(...read.faults);
      }
    }
  };
  walk(raw, '');
  return { values, faults };
}

export function readConsoleValue(key: ConsoleKey, value: unknown): { value: unknown; faults: readonly ConsoleFault[] } {
  const parsed = schemaOf(key).safeParse(value);
  if (!parsed.success) {
    const shown = JSON.stringify(value)?.slice(0, 64) ?? 'nothing';
    return {
      value,
      faults: [{ pointer: pointerOf(key), detail: `must be ${parsed.error.issues[0]?.message ?? 'another value'}, not ${shown}` }],
    };
  }
  if (key !== 'retention') return { value: parsed.data, faults: [] };
  const { rules, faults } = readRetention(value as unknown[]);
  // [0].days is told as /retention/0/days
  const pointer = (at: string): string => pointerOf(key) + at.replaceAll(/\[(\d+)\]/g, '/$1').replaceAll('.', '/');
  return { value: rules, faults: faults.map(({ at, says }) => ({ pointer: pointer(at), detail: says })) };
}

export function withConsole(config: Config, values: ConsoleValues): Config {
  const draft = structuredClone(config) as unknown as Record<string, unknown>;
  for (const [key, value] of values) {
    const names = key.split('.');
    const last = names.pop() ?? key;
    let node = draft;
    for (const name of names) node = node[name] as Record<string, unknown>;
    node[last] = value;
  }
  return draft as unknown as Config;
}

function schemaOf(key: ConsoleKey): z.ZodType {
  let schema: unknown = CONFIG_SCHEMA;
  for (const name of key.split('.')) schema = (schema as { shape: Record<string, unknown> }).shape[name];
  return schema as z.ZodType;
}

function whyNot(key: string): string {
  const isKnown = KNOWN_KEYS.some((known) => known === key || known.startsWith(`${key}.`));
  if (isKnown)
    return `is taken from the configuration file, a flag or the environment alone, and needs a restart; here: ${CONSOLE_KEYS.join(', ')}`;
  const meant = nearest(key, CONSOLE_KEYS);
  return meant === null ? `there is no such setting; here: ${CONSOLE_KEYS.join(', ')}` : `there is no such setting; did you mean ${meant}?`;
}
