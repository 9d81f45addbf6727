// Calls to the gateway's HTTP interface: JSON in, JSON out, over few connections that stay open.

import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Problem } from '../gateway/protocol/rest.ts';
import { Failure } from './failure.ts';
import { explainFault, type Target } from '../gateway/client/target.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** From Retry-After; 0 when it was not said. */
  readonly retryAfterMs: number;
}

export interface ApiClient {
  /** Rejects with a `Failure` when there was no answer at all. */
  call(method: 'GET' | 'POST', path: string, options?: { credential?: string; body?: object }): Promise<ApiAnswer>;
  /** GET of an answer that may be long, line by line; `body` of what resolves is null, or the problem when the status is not 200. */
  lines(path: string, credential: string, onLine: (line: string) => void): Promise<ApiAnswer>;
  close(): void;
}

interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly accept: string;
  readonly credential?: string;
  readonly body?: object;
}

const ANSWER_MS = 30_000;

export function createApiClient(target: Target, connections: number): ApiClient {
  const isTls = target.secureContext !== undefined;
  const pool = { keepAlive: true, maxSockets: connections };
  const agent = isTls
    ? new HttpsAgent({ ...pool, secureContext: target.secureContext, rejectUnauthorized: target.rejectUnauthorized })
    : new HttpAgent(pool);

  /** Resolves when the answer begins. */
  function open({ method, path, accept, credential, body }: Ask): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = { accept };
    if (credential !== undefined) headers['authorization'] = `Bearer ${credential}`;
    if (text !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(Buffer.byteLength(text));
    }
    return new Promise((resolve, reject) => {
      const make = isTls ? httpsRequest : httpRequest;
      const request = make(`${target.httpUrl}${path}`, { method, agent, headers, timeout: ANSWER_MS }, resolve);
      request.on('error', (error) => reject(new Failure(explainFault(target, error).sentence)));
      request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
      request.end(text);
    });
  }

  async function* piecesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const piece of response) yield piece as Buffer;
    } catch (error) {
      throw new Failure(`${target.wsUrl} broke off in the middle of an answer (${(error as NodeJS.ErrnoException).code ?? 'no reason'})`);
    }
  }

  async function wholeOf(response: IncomingMessage): Promise<ApiAnswer> {
    const pieces: Buffer[] = [];
    for await (const piece of piecesOf(response)) pieces.push(piece);
    return answerOf(response, parse(Buffer.concat(pieces).toString('utf8')));
  }

  return {
    async call(method, path, { credential, body } = {}) {
      return wholeOf(await open({ method, path, accept: 'application/json', credential, body }));
    },
    async lines(path, credential, onLine) {
      const response = await open({ method: 'GET', path, accept: 'application/x-ndjson', credential });
      if (response.statusCode !== 200) return wholeOf(response);
      const decoder = new TextDecoder();
      let rest = '';
      for await (const piece of piecesOf(response)) {
        const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
        rest = lines.pop()!;
        for (const line of lines) onLine(line);
      }
      return answerOf(response, null);
    },
    close() {
      agent.destroy();
    },
  };
}

/** What the gateway said against a call, for a person. */
export function problemText(answer: ApiAnswer): string {
  const problem = (answer.body ?? {}) as Partial<Problem>;
  const said = problem.detail ?? problem.title;
  return `HTTP ${answer.status}${problem.code ? ` ${problem.code}` : ''}${said ? `: ${said}` : ''}`;
}

function answerOf(response: IncomingMessage, body: unknown): ApiAnswer {
  const retryAfterS = Number(response.headers['retry-after'] ?? 0);
  return { status: response.statusCode ?? 0, body, retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1000 : 0 };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
