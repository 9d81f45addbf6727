// One device of a bridge: the reference client on a socket, with its frames in a file until the gateway has them on disk.

import { join } from 'node:path';
import { type BridgeRecord, createFrameReader } from './bridge-frames.ts';
import { createPortsTeller } from './bridge-ports.ts';
import { openBufferFile } from './client/buffer-file.ts';
import { explainFault, type Target } from './client/target.ts';
import { openWsSocket } from './client/ws-socket.ts';
import { EXIT, Failure } from './failure.ts';
import type { Log } from './observe.ts';
import { type ClientState, createDeviceClient, type DeviceClient } from './protocol/device-client.ts';
import type { Clock } from './protocol/device-socket.ts';
import { type FileBuffer, type FileBufferOptions, openFileBuffer } from './protocol/file-buffer.ts';
import type { SenmlRecord } from './protocol/messages.ts';
import type { SerialPortView } from './protocol/rest.ts';
import { type BufferEntry, BufferFault } from './protocol/send-buffer.ts';
import type { PortFrame } from './transports/serial/port-frames.ts';

export interface BridgeDevice {
  readonly device: string;
  start(): void;
  /** True when the frames are in the buffer's file; false when it does not take them now: they must be offered again. */
  store(frames: readonly PortFrame[]): boolean;
  /** Its token was not taken. */
  readonly isRefused: boolean;
  /** To be called once a second or so. */
  tick(): void;
  /** Connects again, with a token that may be another, where the one before was not taken. */
  useToken(token: string): void;
  /** What is not acknowledged stays in the file. */
  close(): void;
}
export interface BridgeDeviceOptions {
  readonly device: string;
  readonly token: string;
  readonly target: Target;
  /** For this device alone. */
  readonly folder: string;
  readonly bufferBytes: number;
  /** 0: what was stored survives a power cut; else synced this long after. */
  readonly syncMs: number;
  readonly clock: Clock;
  readonly software: string;
  readonly bridge: string;
  readonly log: Log;
  /** Its ports. */
  readonly views: () => readonly SerialPortView[];
  /** The token is another device's. */
  onWrongDevice(actual: string): void;
}

/** Of the room, what frames may take that are acknowledged: for a gateway that is restored from a backup. */
const RETAIN_SHARE = 1 / 8;
/** A full buffer loses frames with every reading: said so often. */
const SAY_LOST_MS = 60_000;

export function openBridgeDevice(options: BridgeDeviceOptions): BridgeDevice {
  const { device, target, clock, log, bufferBytes: capacityBytes, syncMs } = options;
  const read = createFrameReader();
  let { token } = options;
  let refusedToken = '';
  let fault = '';
  let saidWhy = '';
  let isFileFaulty = false;
  let lostFrames = 0;
  let lostTo: { readonly stream: string; readonly to: number } | null = null;
  let saidLostMs = Number.NEGATIVE_INFINITY;

  const file = openBufferFile(join(options.folder, device));
  const buffer = openBuffer({
    file,
    random: Math.random,
    sync: syncMs === 0 ? 'every-frame' : { everyMs: syncMs, clock },
    capacityBytes,
    retainBytes: Math.floor(capacityBytes * RETAIN_SHARE),
  });
  const client: DeviceClient = createDeviceClient({
    connect: (events) =>
      openWsSocket(
        {
          target,
          token,
          onFault: (error) => {
            fault = explainFault(target, error).sentence;
          },
        },
        events,
      ),
    buffer,
    clock,
    random: Math.random,
    software: options.software,
    device,
    onState,
    onError({ code, message }) {
      if (code === 'unknown-type') teller.end();
      log.warn({ device, code }, message);
    },
    onReject: ({ errors }) =>
      log.debug({ device, codes: [...new Set(errors.map(({ code }) => code))] }, 'The gateway keeps records in quarantine'),
    onNewStream: (stream) => log.warn({ device, stream }, 'The buffer goes on under a new stream'),
    onLost,
    onUndeclared: ({ from, to }) =>
      log.error({ device, frames: to - from + 1 }, 'The gateway does not take notice of frames that are lost'),
    onBufferFault: fileFailed,
  });
  const teller = createPortsTeller({ bridge: options.bridge, views: options.views, tell: (message) => client.tell(message) });
  if (buffer.opening !== 'new') {
    const facts = { device, unsettled: client.unsettled };
    if (buffer.opening === 'damaged') log.warn(facts, 'The buffer was damaged; what could be read of it goes on under a new stream');
    else log.info(facts, 'The buffer goes on');
  }

  function onState(state: ClientState): void {
    switch (state.state) {
      case 'connecting':
        fault = '';
        return;
      case 'online':
        saidWhy = '';
        teller.begin(state.welcome.limits.frameBytes);
        teller.tick(clock.nowMs());
        log.info({ device, url: target.wsUrl, unsettled: client.unsettled }, 'Connected');
        return;
      case 'waiting': {
        teller.end();
        const why = fault === '' ? state.why : fault;
        const facts = { device, why, againSeconds: Math.round(state.delayMs / 1000), unsettled: client.unsettled };
        if (why === saidWhy) log.debug(facts, 'Not connected');
        else log.warn(facts, 'Not connected; what comes is kept in the buffer');
        saidWhy = why;
        return;
      }
      case 'stopped':
        teller.end();
        if (state.device !== undefined) options.onWrongDevice(state.device);
        else if (state.why !== 'closed') {
          refusedToken = token;
          log.error(
            { device, why: state.why, unsettled: client.unsettled },
            'The gateway does not take the token: put a new one into the token file ("fieldgate device rotate ID" prints it); until then everything is kept in the buffer',
          );
        }
        return;
      default:
        state satisfies never;
    }
  }

  function onLost({ from, to }: BufferEntry): void {
    // what was lost before in the same place is part of it
    const isMore = lostTo !== null && lostTo.stream === buffer.stream && lostTo.to >= from && lostTo.to <= to;
    lostFrames += isMore ? to - lostTo!.to : to - from + 1;
    lostTo = { stream: buffer.stream, to };
    if (clock.nowMs() - saidLostMs < SAY_LOST_MS) return;
    saidLostMs = clock.nowMs();
    log.warn(
      { device, lostFrames },
      'The buffer is full: the oldest frames are lost, and will be declared as a gap (bridge.bufferBytes is its room)',
    );
  }

  function fileFailed(error: BufferFault): void {
    if (!isFileFaulty) log.error({ device, reason: error.message }, 'The buffer cannot be written; it is tried again four times a second');
    isFileFaulty = true;
  }

  return {
    device,
    get isRefused() {
      return refusedToken === token;
    },
    start: () => client.start(),
    store(frames) {
      try {
        send(client, read(frames));
      } catch (error) {
        if (!(error instanceof BufferFault)) throw error;
        fileFailed(error);
        return false;
      }
      if (isFileFaulty) log.info({ device }, 'The buffer can be written again');
      isFileFaulty = false;
      return true;
    },
    tick: () => teller.tick(clock.nowMs()),
    useToken(next) {
      token = next;
      if (client.state === 'stopped' && next !== refusedToken) client.start();
    },
    close() {
      client.close();
      try {
        buffer.close();
      } catch (error) {
        if (!(error instanceof BufferFault)) throw error;
        fileFailed(error);
      }
      file.close();
    },
  };
}

function openBuffer(options: FileBufferOptions): FileBuffer {
  try {
    return openFileBuffer(options);
  } catch (error) {
    throw error instanceof BufferFault ? new Failure(EXIT.io, `${error.message}; is the disk full (df -h), or failing (dmesg)?`) : error;
  }
}

/** A refused line goes as a record, too. */
function send(client: DeviceClient, records: readonly BridgeRecord[]): void {
  client.send(records as readonly SenmlRecord[]);
}
