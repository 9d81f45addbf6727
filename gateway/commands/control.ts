// A command's way to the gateway: over the control socket where one runs; else this process takes the lock, opens the stores itself and
// asks the same handlers. Commands only ever make REST requests, and never know which it was.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Config } from '../config.ts';
import type { ConfigOrigin } from '../config-view.ts';
import { askSocket, type LocalAnswer, socketPath } from '../control-socket.ts';
import { EXIT, Failure } from '../failure.ts';
import { printableText } from '../printable.ts';
import type { List, Problem } from '../protocol/rest.ts';
import { RESTORE_MARKER } from '../restore-marker.ts';
import type { StreamAsk } from './control-stream.ts';

export interface Control {
  /** The answer's JSON (undefined for 204); a refusal ends the command with its sentence. */
  ask<T>(method: string, target: string, body?: object): Promise<T>;
  /** The lines of an answer that is made while it is read. */
  lines(method: string, target: string, body?: object): AsyncIterable<string>;
  /** A request whose body or answer is a file. */
  exchange(ask: StreamAsk): Promise<Readable>;
  /** All pages of a list. */
  list<T>(target: string): Promise<T[]>;
  close(): Promise<void>;
}
export interface ControlAsk {
  readonly config: Config;
  /** Where its values are from. */
  readonly origin: ConfigOrigin;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
  /** A missing data directory is made. */
  readonly mayCreate: boolean;
  /** Why this command is of no use where no gateway runs, or null. */
  readonly running: string | null;
}

/** A gateway that has the lock but no socket yet is starting: it gets this long. */
const STARTING_MS = 5000;
const LOOK_MS = 100;

export async function openControl(ask: ControlAsk): Promise<Control> {
  const { data } = ask.config;
  if (!ask.mayCreate && !existsSync(data))
    throw new Failure(EXIT.cannotCreate, `there is no data directory at ${data}: name it with --data DIR, or start a gateway there first`);
  const deadline = Date.now() + STARTING_MS;
  for (;;) {
    const path = socketPath(data);
    if ((await askSocket(path, { method: 'GET', target: '/healthz' })) !== null) return overSocket(path);
    try {
      if (ask.running !== null) throw new Failure(EXIT.failed, `no gateway runs on ${data}: ${ask.running}`);
      if (!ask.mayCreate && !holdsData(data))
        throw new Failure(
          EXIT.cannotCreate,
          `${data} holds no data of Fieldgate: name the data directory with --data DIR, or start a gateway there first`,
        );
      return await offline(ask);
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== EXIT.locked || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** What only looks, or tidies up, makes no databases in an empty folder. A restore that was cut short is told of by whoever opens them. */
function holdsData(data: string): boolean {
  return ['fieldgate.db', 'registry.db', RESTORE_MARKER].some((name) => existsSync(join(data, name)));
}

function overSocket(path: string): Control {
  return withAnswers({
    async exchange(ask) {
      const { streamOverSocket } = await import('./control-stream.ts');
      return streamOverSocket(path, ask);
    },
    async open(method, target, body) {
      const { streamOverSocket } = await import('./control-stream.ts');
      const content = Buffer.from(body ?? '');
      const given =
        body === undefined ? {} : { body: { type: 'application/json', bytes: content.length, content: Readable.from([content]) } };
      return streamOverSocket(path, { method, target, ...given });
    },
    async send(method, target, body) {
      const answer = await askSocket(path, { method, target, ...(body === undefined ? {} : { body }) });
      if (answer === null)
        throw new Failure(EXIT.failed, 'the gateway stopped before it answered: look with a list command whether it was done');
      return answer;
    },
    close: async () => undefined,
  });
}

async function offline(ask: ControlAsk): Promise<Control> {
  // loaded only here: a command to a running gateway opens no database
  const { openOffline } = await import('./offline.ts');
  const app = await openOffline(ask.config, ask.origin);
  const fetch = (method: string, target: string, body?: string): Promise<Response> => {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return app.fetchLocal(new Request(`http://localhost${target}`, { method, headers, ...(body === undefined ? {} : { body }) }));
  };
  return withAnswers({
    async exchange({ method, target, body }) {
      const sent =
        body === undefined ? {} : { headers: { 'content-type': body.type }, body: Readable.toWeb(body.content) as never, duplex: 'half' };
      const response = await app.fetchLocal(new Request(`http://localhost${target}`, { method, ...sent } as RequestInit));
      if (response.status >= 400) throw refusalOf({ status: response.status, body: await response.text() });
      return Readable.fromWeb(response.body as never);
    },
    async open(method, target, body) {
      const response = await fetch(method, target, body);
      if (response.status >= 400) throw refusalOf({ status: response.status, body: await response.text() });
      return Readable.fromWeb(response.body as never);
    },
    async send(method, target, body) {
      const response = await fetch(method, target, body);
      return { status: response.status, body: await response.text() };
    },
    close: app.close,
  });
}

function withAnswers(way: {
  send(method: string, target: string, body?: string): Promise<LocalAnswer>;
  open(method: string, target: string, body?: string): Promise<Readable>;
  exchange(ask: StreamAsk): Promise<Readable>;
  close(): Promise<void>;
}): Control {
  const ask = async <T>(method: string, target: string, body?: object): Promise<T> => {
    const answer = await way.send(method, target, body === undefined ? undefined : JSON.stringify(body));
    if (answer.status >= 400) throw refusalOf(answer);
    return (answer.body === '' ? undefined : JSON.parse(answer.body)) as T;
  };
  return {
    ask,
    exchange: way.exchange,
    async *lines(method, target, body) {
      yield* createInterface({ input: await way.open(method, target, body === undefined ? undefined : JSON.stringify(body)) });
    },
    async list<T>(target: string) {
      const items: T[] = [];
      let next: string | null = null;
      do {
        const join: string = target.includes('?') ? '&' : '?';
        const page: List<T> = await ask('GET', next === null ? target : `${target}${join}next=${encodeURIComponent(next)}`);
        items.push(...page.items);
        next = page.next;
      } while (next !== null);
      return items;
    },
    close: way.close,
  };
}

export function refusalOf(answer: LocalAnswer): Failure {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(answer.body) as Partial<Problem>;
  } catch {
    // not a problem document: the status has to do
  }
  const faults = (problem.errors ?? []).map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join('');
  const sentence = [problem.title ?? `the gateway answered ${answer.status}`, problem.detail]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  if (problem.code === 'not-found')
    return new Failure(EXIT.failed, problem.detail ? printableText(problem.detail) : 'there is none of this name; "list" shows all');
  return new Failure(EXIT.failed, `${printableText(sentence)} (${problem.code ?? answer.status})${faults}`);
}
