// Requests over the control socket whose bodies or answers are files: neither is kept in memory.

import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { EXIT, Failure } from '../failure.ts';
import { refusalOf } from './control.ts';

export interface StreamAsk {
  readonly method: string;
  readonly target: string;
  readonly body?: { readonly type: string; readonly bytes: number; readonly content: Readable };
}

/** The answer, once it has begun; a refusal is thrown with its sentence. */
export async function streamOverSocket(path: string, { method, target, body }: StreamAsk): Promise<IncomingMessage> {
  const headers: Record<string, string> = { host: 'localhost' };
  if (body !== undefined) {
    headers['content-type'] = body.type;
    headers['content-length'] = String(body.bytes);
  }
  const request = httpRequest({ socketPath: path, method, path: target, headers, agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', () => reject(new Failure(EXIT.failed, 'the gateway stopped before it answered')));
  });
  // what refuses a body may do so before it has all of it
  if (body === undefined) request.end();
  else void pipeline(body.content, request).catch(() => undefined);
  const answer = await answered;
  const status = answer.statusCode ?? 0;
  if (status < 400) return answer;
  throw refusalOf({ status, body: await text(answer) });
}
