// The operator's view, for real: pino lines on stderr (readable text on a terminal) and numbers in Prometheus' format. Counting costs an
// addition; everything else happens at the scrape.

import { Counter as PromCounter, Gauge as PromGauge, Registry, type Metric } from '@prometheus-io/client';
import { pino } from 'pino';
import type { Config } from './config.ts';
import { createLineWriter, type LineWriter } from './log-writer.ts';
import { printable, printableText } from './printable.ts';
import type { Counter, CounterFamily, Log, Observe, Timing } from './observe.ts';
import { createTimingWindow } from './timing-window.ts';

export interface PinoObserve extends Observe {
  /** Lets the last lines out; waits half a second at most. */
  close(): Promise<void>;
}

const STDERR = 2;
const LAST_WORDS_MS = 500;

export async function openPinoObserve(log: Config['log'], now: () => number = () => performance.now()): Promise<PinoObserve> {
  const writer = createLineWriter(STDERR);
  const isText = log.format === 'text' || (log.format === 'auto' && process.stderr.isTTY === true);
  const logger = createLog(log.level, isText ? await textLines(writer) : writer);
  const registry = new Registry();
  const made = new Map<string, Counter | CounterFamily | Timing>();
  const once = <T extends Counter | CounterFamily | Timing>(name: string, make: () => T): T => {
    const existing = made.get(name);
    if (existing !== undefined) return existing as T;
    const fresh = make();
    made.set(name, fresh);
    return fresh;
  };
  const observe: PinoObserve = {
    log: logger,
    counter: (name, help) => once(counterName(name), () => createCounter(registry, counterName(name), help)),
    counterBy: (name, help, label) => once(counterName(name), () => createFamily(registry, { name: counterName(name), help, label })),
    timing: (name, help) => once(secondsName(name), () => createTiming(registry, { name: secondsName(name), help, now })),
    gauge(name, help, read) {
      const full = metricName(name);
      registry.removeSingleMetric(full);
      new PromGauge({
        name: full,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    gaugeBy(name, help, labels, read) {
      const full = metricName(name);
      registry.removeSingleMetric(full);
      new PromGauge({
        name: full,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          this.reset();
          for (const [values, value] of read()) this.set(Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])), value);
        },
      });
    },
    metrics: () => registry.metrics(),
    close: () => writer.drain(LAST_WORDS_MS),
  };
  new PromCounter({
    name: counterName('log_lines_dropped'),
    help: 'Log lines that could not be written',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(writer.dropped);
    },
  });
  observe.gauge('resident_memory_bytes', 'Memory of the process (RSS)', () => process.memoryUsage.rss());
  observe.gauge('cpu_seconds', 'Processor time used since the start, all threads', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  observe.gauge('uptime_seconds', 'Seconds since the start', () => process.uptime());
  return observe;
}

function createLog(level: Config['log']['level'], lines: { write(line: string): void }): Log {
  const root = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    lines,
  );
  // the values are made printable before they are JSON: a terminal shows what jq takes out of it
  return {
    debug: (fields, message) => root.isLevelEnabled('debug') && root.debug(printable(fields), printableText(message)),
    info: (fields, message) => root.isLevelEnabled('info') && root.info(printable(fields), printableText(message)),
    warn: (fields, message) => root.isLevelEnabled('warn') && root.warn(printable(fields), printableText(message)),
    error: (fields, message) => root.error(printable(fields), printableText(message)),
  };
}

/** Only a terminal pays for loading the formatter. */
async function textLines(writer: LineWriter): Promise<{ write(line: string): void }> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: process.stderr.isTTY === true && (process.env.NO_COLOR ?? '') === '',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => writer.write(pretty(line)) };
}

function createCounter(registry: Registry, name: string, help: string): Counter {
  let value = 0;
  new PromCounter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(value);
    },
  });
  return {
    add(n = 1) {
      value += n;
    },
    get value() {
      return value;
    },
  };
}

function createFamily(registry: Registry, ask: { name: string; help: string; label: string }): CounterFamily {
  const values = new Map<string, number>();
  new PromCounter({
    name: ask.name,
    help: ask.help,
    labelNames: [ask.label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [label, value] of values) this.inc({ [ask.label]: label }, value);
    },
  });
  return {
    add(label, n = 1) {
      values.set(label, (values.get(label) ?? 0) + n);
    },
    value: (label) => values.get(label) ?? 0,
  };
}

function createTiming(registry: Registry, ask: { name: string; help: string; now: () => number }): Timing {
  const window = createTimingWindow(ask.now);
  // handed to the registry as a finished histogram: its own class would hash labels at each observation
  const metric = {
    name: ask.name,
    help: ask.help,
    type: 'histogram',
    aggregator: 'sum',
    reset: () => undefined,
    get: async () => {
      const { bounds, counts, sum, count } = window.histogram();
      const values: { metricName: string; labels: Record<string, string | number>; value: number }[] = bounds.map((bound, i) => ({
        metricName: `${ask.name}_bucket`,
        labels: { le: bound / 1000 },
        value: counts[i] ?? 0,
      }));
      values.push({ metricName: `${ask.name}_bucket`, labels: { le: '+Inf' }, value: count });
      values.push({ metricName: `${ask.name}_sum`, labels: {}, value: sum / 1000 });
      values.push({ metricName: `${ask.name}_count`, labels: {}, value: count });
      return { name: ask.name, help: ask.help, type: 'histogram', aggregator: 'sum', values };
    },
  };
  registry.registerMetric(metric as unknown as Metric);
  return { observe: window.observe, percentile: window.percentile };
}

/** `framesRefused` and `fieldgate_frames_refused` are the same name. */
function metricName(name: string): string {
  const snake = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9_]/g, '_')
    .toLowerCase();
  return snake.startsWith('fieldgate_') ? snake : `fieldgate_${snake}`;
}

function counterName(name: string): string {
  const full = metricName(name);
  return full.endsWith('_total') ? full : `${full}_total`;
}

/** Observed in milliseconds, exported in Prometheus' base unit. */
function secondsName(name: string): string {
  return `${metricName(name).replace(/_(ms|milliseconds|seconds)$/, '')}_seconds`;
}
