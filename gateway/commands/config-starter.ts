// A configuration file to begin with: every key with its default, commented out, and the reason for it.

import { type Config, DEFAULTS } from '../config.ts';

type Reasons<T> = {
  readonly [K in keyof T]: T[K] extends readonly unknown[] | string | number | boolean ? string : K extends 'tls' ? string : Reasons<T[K]>;
};

const REASONS: Reasons<Config> = {
  data: 'Where everything is kept. Relative to this file.',
  http: {
    host: 'The address to listen on. 0.0.0.0 is every IPv4 address, :: every address.',
    port: 'One port for devices, dashboards and the console. 0 picks a free one.',
    publicUrl: 'What people type, when a proxy or a DNS name stands in front: https://telemetry.example.com',
    origins: 'Further web pages that may open the live socket, as exact origins: [https://board.example.com]',
    trustedProxies: 'Proxies whose X-Forwarded-For is believed: [10.0.0.5, 192.168.0.0/24]',
  },
  tls: 'auto: a private authority, its certificate at /ca.crt. off: loopback only. Own files: {cert: server.crt, key: server.key}',
  insecure: 'true lets tls: off listen beyond this machine. Tokens travel in clear text then.',
  liveness: {
    pingSeconds: 'NATs forget a silent connection after 30 s, proxies after 60 s.',
    pongSeconds: 'A device that sends no byte for so long after a ping is cut.',
  },
  store: {
    commitIntervalMs: '0 commits at once. More groups commits, for flash cards that wear out; every ack waits for it.',
    minFreeBytes: 'Free bytes below which nothing is stored. auto: 256 MiB, at most a tenth of the volume. 0 never pauses.',
  },
  relay: {
    replayMinutes: 'A dashboard that was away for less goes on where it stopped. A million readings are kept at least.',
  },
  retention:
    'How long readings stay, by the first rule that matches: [{device: "*", metric: "*", days: 90, maxBytes: 2000000000, summariesDays: 3650}]. What is left out has no bound.',
  backup: {
    every: 'Backups by themselves: never, or 24h, 7d and the like between two. Each is looked through before it counts.',
    keep: 'So many stay; the oldest go when a newer one is good.',
    dir: 'Their folder, best on another disk; empty: backups in the data directory.',
  },
  serial: {
    ports:
      'Sensors on serial ports: [{path: /dev/serial/by-id/usb-…, baudRate: 9600, device: pump-1, framing: line, rule: {kind: csv, …}}], see docs/operations.md.',
  },
  bridge: {
    bufferBytes:
      'For fieldgate bridge: what is kept for a gateway that is away, of all devices together. In memory, too; the files take up to twice that.',
    syncMs: '0 syncs the buffer before a port gives more. More spares a flash card, and is what a power cut takes.',
  },
  log: { level: 'debug, info, warn or error.', format: 'auto: readable on a terminal, JSON lines elsewhere. Or json, or text.' },
  limits: {
    memoryBytes: 'What the process may take. The limits below must fit into it, or the start is refused.',
    deviceFrameBytes: 'One message of a device. Times unackedFrames it must fit into 64 MiB.',
    liveFrameBytes: 'One message of a dashboard; they only subscribe.',
    liveMessagesPerSecond: 'Messages of a dashboard, as many at once; who is faster is read more slowly.',
    restBodyBytes: 'One HTTP body.',
    fragments: 'Pieces of one WebSocket message.',
    bufferedChunks: 'TCP pieces of one WebSocket message.',
    pendingPongs: 'Pongs that wait for a peer that does not read.',
    headerBytes: 'Request headers are parsed before anything is known of the sender.',
    headerCount: 'The same, in number.',
    headersSeconds: 'Until the headers are complete.',
    requestSeconds: 'Until the request is complete.',
    handshakeSeconds: 'Until TLS is agreed.',
    devices: 'Devices at once; each may cost 64 KiB and is an open file (ulimit -n).',
    subscribers: 'Dashboards at once.',
    socketsPerSession: 'Live sockets of one signed-in person: tabs.',
    backlog: 'Connections that the kernel keeps while we are busy: a whole fleet may come back at once.',
    admissionWaiting: 'Connections that wait, accepted but unread, for a place below. The oldest give up after headersSeconds.',
    admissionActive: 'Connections in TLS handshake and headers at once; networks take turns.',
    failedAuthPerMinute: 'Failed sign-ins from one address. A valid token is never throttled.',
    failedAuthBurst: 'The same, at first.',
    passwordQueue: 'Passwords being checked at once; each costs memory on purpose.',
    unackedFrames: 'Frames of one device between sending and ack.',
    framesInFlightBytes: 'All frames that are read and not on disk yet. Above 80 % the heaviest devices are not read, down to 50 %.',
    deviceFramesPerSecond: 'Of one device, over time. Who sends faster is slowed by TCP, never closed. 0: no limit.',
    deviceFramesBurst: 'What it may send at once before that.',
    deviceReadingsPerSecond: 'The same for readings. 0: no limit.',
    deviceReadingsBurst: 'What it may send at once before that.',
    depth: 'Nesting of a message, checked before it is parsed.',
    keysPerObject: 'Keys of one object.',
    readingsPerFrame: 'Records of one frame.',
    nameBytes: "A metric's name.",
    stringBytes: "A reading's text.",
    unreadablePerMinute: 'Unreadable messages of a session before it is closed.',
    unknownPerMinute: 'Messages of unknown type before it is closed.',
    openStreams: 'Streams of one device; the one unused longest is retired for a new one.',
    newStreamsPerHour: 'A device without memory makes one at each boot.',
    quarantineDeviceBytes: 'Refused input of one device that is kept; the oldest goes first.',
    quarantineBytes: 'Of all devices; beyond it the one with the most gives up its oldest.',
    eventDays: 'Events older than this go.',
    eventRows: 'Beyond so many the oldest events go.',
    pageRows: 'Rows of one REST answer.',
    chartPoints: 'Points of one chart.',
    exports: 'CSV and NDJSON exports at once.',
    walCheckpointBytes: 'From here on the write-ahead log is written back.',
    outboxFoldBytes: 'A dashboard that has so much waiting gets the newest of each series only.',
    outboxResumeBytes: 'Below it, it gets everything again.',
    outboxStallSeconds: 'A dashboard that takes no byte for so long is closed.',
    subscriptions: 'Subscriptions of one live socket.',
    patterns: 'Patterns of one subscription.',
    sessionIdleMinutes: 'A console session without activity. An open page is activity.',
    sessionHours: 'A console session at the longest.',
    serialLineBytes: 'One line of a serial sensor; what is longer is dropped up to the next line.',
    serialGapSeconds: 'How long it may pause inside a line before the beginning is dropped.',
    serialBufferBytes: 'Of one port, what is read and not on disk yet. Beyond it lines are dropped and counted.',
    serialCaptureBytes: 'A capture that is replayed: it is kept in the data directory meanwhile.',
    drainSeconds: 'Time to say goodbye when the gateway stops.',
    setupMinutes: 'How long the set-up page is open after the first start.',
    pairingSeconds: 'How long devices without a key may ask for a token, once an operator opens pairing.',
    pairingRequests: 'So many of them wait for an answer at once; others are told to come back.',
  },
};

export function starterFile(): string {
  return [
    '# Configuration of Fieldgate. Every key stands here with its default; take the # away to change one.',
    '# Stronger than this file: the environment (FIELDGATE_HTTP__PORT=8443) and the flags of the command line.',
    '# ${NAME} takes a value from the environment. "fieldgate config check" tells what is wrong, all at once.',
    '',
    ...section(DEFAULTS, REASONS, ''),
    '',
  ].join('\n');
}

function section(values: object, reasons: object, indent: string): string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
    const reason = (reasons as Record<string, unknown>)[name];
    if (typeof reason === 'string') return [`${indent}# ${reason}`, `${indent}#${name}: ${JSON.stringify(value)}`];
    // a map whose keys are all comments is empty, which is fine
    return [`${name}:`, ...section(value as object, reason as object, `${indent}  `), ''];
  });
}
