// Calls to the gateway's HTTP interface: JSON in, JSON out, over few connections that stay open.

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Problem } from '../gateway/protocol/rest.ts';
import { Failure } from './failure.ts';
import { explainFault, type Target } from './target.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** From Retry-After; 0 when it was not said. */
  readonly retryAfterMs: number;
}

export interface ApiClient {
  /** Rejects with a `Failure` when there was no answer at all. */
  call(method: 'GET' | 'POST', path: string, options?: { credential?: string; body?: object }): Promise<ApiAnswer>;
  close(): void;
}

const ANSWER_MS = 30_000;

export function createApiClient(target: Target, connections: number): ApiClient {
  const isTls = target.secureContext !== undefined;
  const pool = { keepAlive: true, maxSockets: connections };
  const agent = isTls
    ? new HttpsAgent({ ...pool, secureContext: target.secureContext, rejectUnauthorized: target.rejectUnauthorized })
    : new HttpAgent(pool);
  return {
    call(method, path, { credential, body } = {}) {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers: Record<string, string> = { accept: 'application/json' };
      if (credential !== undefined) headers['authorization'] = `Bearer ${credential}`;
      if (text !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = String(Buffer.byteLength(text));
      }
      return new Promise((resolve, reject) => {
        const fail = (error: Error) => reject(new Failure(explainFault(target, error).sentence));
        const make = isTls ? httpsRequest : httpRequest;
        const request = make(`${target.httpUrl}${path}`, { method, agent, headers, timeout: ANSWER_MS }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', fail);
          response.on('end', () => {
            const retryAfterS = Number(response.headers['retry-after'] ?? 0);
            resolve({
              status: response.statusCode ?? 0,
              body: parse(Buffer.concat(chunks).toString('utf8')),
              retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1000 : 0,
            });
          });
        });
        request.on('error', fail);
        request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
        request.end(text);
      });
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
