// The effective configuration as it is shown, by `config show` and on the console: each value with where it is from, secrets masked.

import { type Config, DEFAULTS } from './config.ts';
import { keyPaths, keyTree } from './config-schema.ts';
import type { SettingView } from './protocol/rest.ts';

/** Where the values of a configuration are from. */
export interface ConfigOrigin {
  /** The file that was read, or null. */
  readonly file: string | null;
  /** By key, in the order of the literal. */
  readonly sources: ReadonlyMap<string, string>;
  /** Keys whose value came out of a secret file. */
  readonly secrets: ReadonlySet<string>;
}
export type SettingOrigin = SettingView['from'];
export type ConfigRow = Pick<SettingView, 'key' | 'value' | 'source' | 'from'>;

const MASK = '********';
const PROGRAM_SOURCE = 'the program that started it';
export const CONSOLE_SOURCE = 'console';

export function configRows(config: Config, { sources, secrets }: Pick<ConfigOrigin, 'sources' | 'secrets'>): ConfigRow[] {
  return Array.from(sources, ([key, source]) => ({
    key,
    value: secrets.has(key) ? MASK : valueOf(config, key),
    source,
    from: fromOf(source),
  }));
}

export function fromOf(source: string): SettingOrigin {
  if (source === CONSOLE_SOURCE) return 'console';
  if (source === PROGRAM_SOURCE) return 'program';
  if (source.startsWith('flag ')) return 'flag';
  if (source.startsWith('environment ')) return 'environment';
  return source.startsWith('default') ? 'default' : 'file';
}

/** Of a configuration that no file was read for: what is not the default was set by whoever made it. */
export function originOf(config: Config): ConfigOrigin {
  const isDefault = (key: string): boolean => JSON.stringify(valueOf(config, key)) === JSON.stringify(valueOf(DEFAULTS, key));
  const sources = new Map(keyPaths(keyTree(DEFAULTS)).map((key) => [key, isDefault(key) ? 'default' : PROGRAM_SOURCE]));
  return { file: null, sources, secrets: new Set() };
}

export function valueOf(config: Config, key: string): unknown {
  let node: unknown = config;
  for (const name of key.split('.')) node = (node as Record<string, unknown>)[name];
  return node;
}
