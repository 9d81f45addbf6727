// An Observe whose log lines and counts a test can look at.

import type { CounterFamily, Observe } from '../../gateway/observe.ts';

export interface RecordedObserve extends Observe {
  readonly lines: readonly { readonly level: string; readonly fields: object; readonly message: string }[];
  /** The count of one label in a family; 0 when nothing counted. */
  count(name: string, label: string): number;
}

export function createRecordedObserve(): RecordedObserve {
  const lines: { level: string; fields: object; message: string }[] = [];
  const families = new Map<string, Map<string, number>>();
  const line =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message });
    };
  const family = (name: string): CounterFamily => {
    const counts = families.get(name) ?? new Map<string, number>();
    families.set(name, counts);
    return {
      add: (label, n = 1) => void counts.set(label, (counts.get(label) ?? 0) + n),
      value: (label) => counts.get(label) ?? 0,
    };
  };
  return {
    lines,
    count: (name, label) => families.get(name)?.get(label) ?? 0,
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    counter(name) {
      const counts = family(name);
      return {
        add: (n) => counts.add('', n),
        get value() {
          return counts.value('');
        },
      };
    },
    counterBy: family,
    timing: () => ({ observe: () => undefined, percentile: () => Number.NaN }),
    gauge: () => undefined,
    gaugeBy: () => undefined,
    metrics: async () => '',
  };
}
