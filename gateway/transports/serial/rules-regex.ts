// Named groups of a regular expression. The engine's work is bounded by line × pattern whatever they are, which V8's is not.

import { RE2JS, RE2JSException } from 're2js';
import type { SenmlRecord } from '../../protocol/messages.ts';
import { MAX_FIELDS, type Rule } from './rules.ts';
import type { MetricSettings, RegexSettings } from './rules-settings.ts';
import { badNumber, isMetric, readLine, readValue, recordsOf, refusal, shown } from './rules-text.ts';

const PATTERN_CHARACTERS = 1024;
/** Steps of the compiled pattern: each may be looked at for every character of a line. */
const PATTERN_STEPS = 512;

/** What is wrong with the pattern or its groups; null: nothing. */
export function regexProblem({ pattern, groups = {} }: RegexSettings): string | null {
  if (pattern.length > PATTERN_CHARACTERS) return `the pattern has ${pattern.length} characters; at most ${PATTERN_CHARACTERS} are taken`;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return `the pattern can't be used: ${error.message} (RE2 syntax: no back-references, no look-around)`;
  }
  if (compiled.programSize() > PATTERN_STEPS)
    return `the pattern is as large as ${compiled.programSize()} steps; at most ${PATTERN_STEPS} are taken, so repeat less`;
  const names = Object.keys(compiled.namedGroups());
  if (names.length === 0) return 'the pattern has no named group such as (?<temperature>[0-9.]+); each becomes a metric';
  if (names.length > MAX_FIELDS) return `the pattern has ${names.length} named groups; at most ${MAX_FIELDS} are taken`;
  const unknown = Object.keys(groups).find((name) => !names.includes(name));
  if (unknown !== undefined) return `groups.${unknown}: the pattern has no group of this name; it has ${names.join(', ')}`;
  const unusable = names.find((name) => !Object.hasOwn(groups, name) && !isMetric(name));
  return unusable === undefined ? null : `the group ${unusable} can't be a metric by its own name; give it one under groups`;
}

export function createRegexRule({ pattern, groups = {} }: RegexSettings): Rule {
  const compiled = RE2JS.compile(pattern);
  const metrics = Object.keys(compiled.namedGroups()).map((group): [string, MetricSettings] => [
    group,
    Object.hasOwn(groups, group) ? groups[group] : { metric: group },
  ]);

  return {
    read(frame) {
      const line = readLine(frame);
      if (typeof line !== 'string') return line;
      const matcher = compiled.matcher(line);
      if (!matcher.find()) return refusal('no-match', `The pattern is not found in ${shown(line)}.`);
      const records: SenmlRecord[] = [];
      for (const [group, metric] of metrics) {
        const text = matcher.group(group);
        if (text === null || text === '') continue;
        const record = readValue(text, metric, false);
        if (record === null)
          return metric.as === 'boolean'
            ? refusal('no-match', `${metric.metric}: ${shown(text)} is neither true nor false.`)
            : badNumber(text, metric.metric);
        records.push(record);
      }
      return recordsOf(records);
    },
  };
}
