// Everything that the gateway can tell has words in the console.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ALARM_NAMES, EVENT_TYPES } from '../../gateway/protocol/event-types.ts';
import { text } from '../../web/src/i18n/en.ts';

const ROOT = path.join(import.meta.dirname, '../..');

test('every type of event has words, and there are no words for others', () => {
  expect(Object.keys(text.events).sort()).toEqual([...EVENT_TYPES].sort());
});

test('every alarm has a title', () => {
  expect(Object.keys(text.alarms.title).sort()).toEqual([...ALARM_NAMES].sort());
});

test('every act that is written into the audit has words', () => {
  const files = readdirSync(path.join(ROOT, 'gateway'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const acts = new Set<string>();
  for (const file of files) {
    const source = readFileSync(path.join(ROOT, 'gateway', file), 'utf8');
    for (const [, act] of source.matchAll(/(?:\.act\([^,()]+(?:\([^()]*\))?,\s*|act: |audit\([^,]+, )'([a-z]+\.[a-z-]+)'/g))
      acts.add(act as string);
  }
  expect(acts.size).toBeGreaterThan(15);
  expect([...acts].filter((act) => text.acts[act] === undefined)).toEqual([]);
});
