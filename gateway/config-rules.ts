// Rules between keys: what contradicts what, and whether the limits fit into the memory they are given. Pure; every broken rule at once,
// with the names of both keys.

import { isIP } from 'node:net';
import type { Config, Limits } from './config.ts';
import type { ConfigProblem } from './config-file.ts';
import { DEVICE_BYTES, memoryBudget } from './memory-budget.ts';

const MIB = 1024 * 1024;

export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.startsWith('::ffff:127.');
}

export function brokenRules(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const rule = (holds: boolean, path: string, message: () => string): void => {
    if (!holds) problems.push({ path, message: message(), exit: 78 });
  };
  const limits = config.limits;
  const budget = memoryBudget(limits);
  const mib = (bytes: number): number => Math.ceil(bytes / MIB);
  rule(
    budget.total <= budget.cap,
    'limits.memoryBytes',
    () =>
      `limits.devices (${limits.devices}) needs ${mib(budget.total)} MiB with everything full, limits.memoryBytes gives ${mib(budget.cap)} MiB: ` +
      `set limits.memoryBytes to ${mib(budget.total) * MIB} or more, or limits.devices to ${Math.max(0, Math.floor((budget.cap - budget.total + budget.devices) / DEVICE_BYTES))} or less`,
  );
  const atMost = (small: keyof Limits, large: keyof Limits, why: string): void =>
    rule(
      limits[small] <= limits[large],
      `limits.${small}`,
      () => `limits.${small} (${limits[small]}) is above limits.${large} (${limits[large]}): ${why}`,
    );
  rule(
    limits.unackedFrames * limits.deviceFrameBytes <= budget.inFlight,
    'limits.unackedFrames',
    () =>
      `limits.unackedFrames (${limits.unackedFrames}) × limits.deviceFrameBytes (${limits.deviceFrameBytes}) is more than the ${mib(budget.inFlight)} MiB for ` +
      'frames in flight: one device could fill it alone',
  );
  rule(
    limits.outboxResumeBytes < limits.outboxFoldBytes,
    'limits.outboxResumeBytes',
    () =>
      `limits.outboxResumeBytes (${limits.outboxResumeBytes}) must be below limits.outboxFoldBytes (${limits.outboxFoldBytes}): folding would never end`,
  );
  atMost('quarantineDeviceBytes', 'quarantineBytes', 'one device could never have that much');
  atMost('headersSeconds', 'requestSeconds', 'a request cannot end before its headers');
  atMost('failedAuthPerMinute', 'failedAuthBurst', 'the burst is what a minute starts with');
  rule(
    limits.sessionIdleMinutes <= limits.sessionHours * 60,
    'limits.sessionIdleMinutes',
    () =>
      `limits.sessionIdleMinutes (${limits.sessionIdleMinutes}) is above limits.sessionHours (${limits.sessionHours} h): the session has ended by then`,
  );
  rule(
    config.tls !== 'off' || config.insecure || isLoopback(config.http.host),
    'http.host',
    () =>
      `http.host ${config.http.host} is reachable from outside and tls is off: everything, tokens too, would travel in clear text. ` +
      'Use tls: auto, or http.host: 127.0.0.1 behind a proxy on this machine, or say insecure: true',
  );
  rule(
    !(config.http.publicUrl.startsWith('http:') && config.tls !== 'off'),
    'http.publicUrl',
    () =>
      `http.publicUrl ${config.http.publicUrl} says http, but tls is ${typeof config.tls === 'string' ? config.tls : 'on'}: people would not reach it`,
  );
  return problems;
}
