// Server-sent events as `GET /v1/live` has them, read one by one over a real connection.

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface StreamEvent {
  /** The `id:` of the event; null when it has none. */
  readonly id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it waits for
  readonly data: any;
}
export interface TestEventStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** The last `retry:` that it said, in milliseconds. */
  readonly retryMs: number | null;
  /** The next event; rejects when the stream ends first or nothing comes for long. */
  next(): Promise<StreamEvent>;
  until(wanted: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  /** Resolves with the last event when the other end has ended the stream. */
  ended(): Promise<StreamEvent | null>;
  /** Stops and goes on reading the connection. */
  pause(): void;
  resume(): void;
}
export interface EventStreamTarget {
  readonly port: number;
  readonly caPem: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

const PATIENCE_MS = 20_000;

/** Resolves with the first bytes of the answer; rejects with `status` and `body` when it is refused. */
export async function openEventStream({ port, caPem, path = '/v1/live', headers = {} }: EventStreamTarget): Promise<TestEventStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        ca: caPem,
        servername: 'localhost',
        agent: false,
        headers: { Accept: 'text/event-stream', ...headers },
      },
      resolve,
    );
    request.on('error', reject);
    request.end();
  });
  if (response.statusCode !== 200) {
    const body = (await response.toArray()).join('');
    throw Object.assign(new Error(`refused with ${response.statusCode}: ${body}`), {
      status: response.statusCode,
      headers: response.headers,
      body,
    });
  }
  const events: StreamEvent[] = [];
  let last: StreamEvent | null = null;
  let retryMs: number | null = null;
  let isOver = false;
  let rest = '';
  let wake: (() => void) | null = null;
  const stir = (): void => {
    wake?.();
    wake = null;
  };
  const over = (): void => {
    isOver = true;
    stir();
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    const blocks = (rest + part).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) take(block);
    stir();
  });
  response.on('error', over);
  response.on('close', over);

  function take(block: string): void {
    const fields = block.split('\n').map((line) => /^(\w+): (.*)$/s.exec(line) ?? [block, 'unreadable', line]);
    const value = (name: string): string | undefined => fields.find(([, field]) => field === name)?.[2];
    const retry = value('retry');
    if (retry !== undefined) retryMs = Number(retry);
    const data = value('data');
    if (data === undefined) return;
    last = { id: value('id') ?? null, data: JSON.parse(data) };
    events.push(last);
  }
  async function stirred(what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      wake = resolve;
      timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms for ${what}`)), PATIENCE_MS);
    }).finally(() => clearTimeout(timer));
  }
  const next = async (): Promise<StreamEvent> => {
    while (events.length === 0) {
      if (isOver) throw new Error('the stream ended instead of an event');
      await stirred('an event');
    }
    return events.shift() as StreamEvent;
  };
  return {
    status: response.statusCode,
    headers: response.headers,
    get retryMs() {
      return retryMs;
    },
    next,
    async until(wanted) {
      for (;;) {
        const event = await next();
        if (wanted(event)) return event;
      }
    },
    async ended() {
      while (!isOver) await stirred('the end');
      return last;
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    async [Symbol.asyncDispose]() {
      response.destroy();
      while (!isOver) await stirred('the end');
    },
  };
}
