// The settings in force: the configuration as it was started with, and over its defaults what was set on the console, which the registry
// keeps. What a file, a flag or the environment says stays as it says.

import type { SettingsBook as SettingsDesk, SettingsRefusal } from './api/settings-book.ts';
import { accessFault } from './backup-shelf.ts';
import type { Config } from './config.ts';
import {
  CONSOLE_KEYS,
  type ConsoleAnswer,
  type ConsoleFault,
  type ConsoleKey,
  isConsoleKey,
  pointerOf,
  readConsoleSettings,
  readConsoleValue,
  withConsole,
} from './config-console.ts';
import type { RetentionSetting } from './config-retention.ts';
import { type ConfigOrigin, configRows, CONSOLE_SOURCE, fromOf, originOf, valueOf } from './config-view.ts';
import { askedFrom } from './identity/asked-from.ts';
import type { Observe } from './observe.ts';
import type { RetentionForecast } from './protocol/rest.ts';
import type { Registry, RegistryChange, SettingRow } from './storage/registry.ts';

export interface SettingsBook extends SettingsDesk {
  /** What is in force now; another object after each change. */
  readonly config: Config;
  /** Told once for each change, when it is in force. */
  onChange(listener: (keys: ReadonlySet<ConsoleKey>) => void): void;
}
export interface SettingsBookOptions {
  readonly config: Config;
  /** Left out: of whoever made the configuration. */
  readonly origin?: ConfigOrigin | undefined;
  readonly registry: Registry;
  readonly observe: Observe;
  readonly forecast: (rules: readonly RetentionSetting[]) => Promise<readonly RetentionForecast[]>;
}

/** Of a value in the audit. */
const SHOWN_CHARACTERS = 2000;

export async function openSettingsBook(options: SettingsBookOptions): Promise<SettingsBook> {
  const { config: started, registry, observe, forecast } = options;
  const origin = options.origin ?? originOf(started);
  const values = readRows((await registry.load()).settings, origin, (key, why) =>
    observe.log.warn({ key, why }, 'What the console had set is not in force'),
  );
  const listeners: ((keys: ReadonlySet<ConsoleKey>) => void)[] = [];
  let config = withConsole(started, values);
  let turn: Promise<unknown> = Promise.resolve();

  /** Why these cannot be changed here; null: they can. */
  function fixed(keys: Iterable<ConsoleKey>): SettingsRefusal | null {
    const faults = Array.from(keys)
      .filter((key) => !isOpen(origin, key))
      .map((key) => ({
        pointer: pointerOf(key),
        detail: `${key} is set by ${origin.sources.get(key) ?? ''}; change it there and restart`,
      }));
    return faults.length === 0 ? null : { refused: 'set-in-file', detail: faults.map(({ detail }) => detail).join('; '), errors: faults };
  }
  async function read(raw: unknown): Promise<ConsoleAnswer['values'] | SettingsRefusal> {
    const { values: wanted, faults } = readConsoleSettings(raw);
    if (faults.length > 0) return invalid(faults);
    const refusal = fixed(wanted.keys());
    if (refusal !== null) return refusal;
    const folder = wanted.get('backup.dir');
    if (typeof folder !== 'string' || folder === '') return wanted;
    const detail = await accessFault(folder, started.data);
    return detail === null ? wanted : invalid([{ pointer: pointerOf('backup.dir'), detail }]);
  }

  async function write(wanted: ConsoleAnswer['values'], actor: string): Promise<true | SettingsRefusal> {
    const next = new Map(values);
    const changes: RegistryChange[] = [];
    const keys = new Set<ConsoleKey>();
    for (const [key, value] of wanted) {
      if (value === null) next.delete(key);
      else next.set(key, value);
      const text = JSON.stringify(value);
      if (value === null ? !values.has(key) : values.has(key) && JSON.stringify(values.get(key)) === text) continue;
      keys.add(key);
      changes.push(value === null ? { delete: 'settings', id: key } : { put: 'settings', row: { id: key, value: text } });
      const to = value === null ? `default: ${shown(valueOf(started, key))}` : shown(value);
      changes.push({
        audit: {
          atMs: Date.now(),
          actor,
          act: value === null ? 'settings.reset' : 'settings.change',
          target: key,
          detail: `${shown(valueOf(config, key))} to ${to}`,
          address: askedFrom(),
        },
      });
    }
    if (keys.size === 0) return true;
    await registry.commit(changes);
    values.clear();
    for (const [key, value] of next) values.set(key, value);
    config = withConsole(started, values);
    for (const listener of listeners) listener(keys);
    return true;
  }

  return {
    get config() {
      return config;
    },
    onChange: (listener) => void listeners.push(listener),
    view() {
      const sources = new Map(origin.sources);
      for (const key of values.keys()) sources.set(key, CONSOLE_SOURCE);
      const settings = configRows(config, { sources, secrets: origin.secrets }).map((row) => ({
        ...row,
        isEditable: isConsoleKey(row.key) && isOpen(origin, row.key),
      }));
      return { settings, file: origin.file };
    },
    change(raw, actor) {
      // one after the other: the second of two sees what the first has changed
      const work = async (): Promise<true | SettingsRefusal> => {
        const wanted = await read(raw);
        return 'refused' in wanted ? wanted : write(wanted, actor);
      };
      const mine = turn.then(work, work);
      turn = mine;
      return mine;
    },
    async tryOut(raw) {
      const wanted = await read(raw);
      if ('refused' in wanted) return wanted;
      const rules = wanted.has('retention') ? (wanted.get('retention') ?? valueOf(started, 'retention')) : config.retention;
      return { retention: await forecast(rules as readonly RetentionSetting[]) };
    },
  };
}

/** What the console had set, as far as it holds. A row that is bad, or whose key is set elsewhere now, stays where it is. */
export function readRows(
  rows: readonly SettingRow[],
  origin: Pick<ConfigOrigin, 'sources'>,
  told: (key: ConsoleKey, why: string) => void,
): Map<ConsoleKey, unknown> {
  const values = new Map<ConsoleKey, unknown>();
  for (const key of CONSOLE_KEYS) {
    const row = rows.find(({ id }) => id === key);
    if (row === undefined) continue;
    if (!isOpen(origin, key)) {
      told(key, `it is set by ${origin.sources.get(key) ?? ''} now`);
      continue;
    }
    const { value, faults } = readRow(key, row.value);
    if (faults.length === 0) values.set(key, value);
    else told(key, `${faults[0]?.pointer ?? ''} ${faults[0]?.detail ?? ''}; the default holds`);
  }
  return values;
}

function readRow(key: ConsoleKey, text: string): ReturnType<typeof readConsoleValue> {
  try {
    return readConsoleValue(key, JSON.parse(text));
  } catch {
    return { value: null, faults: [{ pointer: pointerOf(key), detail: 'must be JSON' }] };
  }
}

function isOpen(origin: Pick<ConfigOrigin, 'sources'>, key: ConsoleKey): boolean {
  return fromOf(origin.sources.get(key) ?? 'default') === 'default';
}

function invalid(errors: readonly ConsoleFault[]): SettingsRefusal {
  return { refused: 'invalid', errors };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
