// A real gateway in this process for tests: TLS on a free port, SQLite in a temporary folder, gone with `await using`.

import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Config, DEFAULTS, type Limits } from '../../gateway/config.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import { openPinoObserve, type PinoObserve } from '../../gateway/pino-observe.ts';
import type { ReadVolume } from '../../gateway/storage/disk-watch.ts';
import { connectSocket, type TestSocket, type TestSocketOptions } from './socket.ts';

export interface TestGatewayOptions {
  readonly limits?: Partial<Limits>;
  readonly config?: Partial<Omit<Config, 'limits' | 'data'>>;
  /** What is told of the disk's room; the real one when left out. */
  readonly readVolume?: ReadVolume;
}
export interface TestAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape it asked for
  json(): any;
}
export interface TestRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | object;
}
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  readonly setupCode: string | null;
  readonly data: string;
  readonly observe: PinoObserve;
  /** A request with an admin's API key, made at first use. */
  admin(target: string, ask?: TestRequest): Promise<TestAnswer>;
  /** A request with no credential but what `headers` say. */
  request(target: string, ask?: TestRequest): Promise<TestAnswer>;
  /** With the rights of the control socket. */
  local(target: string, ask?: TestRequest): Promise<TestAnswer>;
  /** An API key of this role. */
  key(role: 'viewer' | 'operator' | 'admin'): Promise<string>;
  /** Makes the device and returns its token. */
  addDevice(id: string): Promise<string>;
  /** An open device socket; the device is made when it is new. */
  device(id: string, options?: TestSocketOptions): Promise<TestSocket>;
  /** An open live socket with a viewer's key. */
  live(options?: TestSocketOptions): Promise<TestSocket>;
  /** Stops and starts again on the same data and port. */
  restart(): Promise<void>;
}

export async function startTestGateway({ limits = {}, config = {}, readVolume }: TestGatewayOptions = {}): Promise<TestGateway> {
  const data = await mkdtemp(path.join(tmpdir(), 'fieldgate-test-'));
  const observe = await openPinoObserve({ level: 'error', format: 'json' });
  const whole: Config = {
    ...DEFAULTS,
    ...config,
    http: { ...DEFAULTS.http, host: '127.0.0.1', port: 0, ...config.http },
    data,
    limits: { ...DEFAULTS.limits, ...limits },
  };
  let gateway: Gateway = await startGateway(whole, observe, { readVolume });
  const port = Number(new URL(gateway.url).port);
  const isTls = gateway.url.startsWith('https:');
  const caPem = isTls ? await gateway.fetchLocal(new Request('http://localhost/ca.crt')).then((answer) => answer.text()) : '';
  const tokens = new Map<string, string>();
  const keys = new Map<string, Promise<string>>();

  const local = async (target: string, ask: TestRequest = {}): Promise<TestAnswer> => {
    const { body, headers } = bodyOf(ask);
    const answer = await gateway.fetchLocal(
      new Request(`http://localhost${target}`, { method: ask.method ?? 'GET', headers, body: body as never }),
    );
    const text = await answer.text();
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text, json: () => JSON.parse(text) };
  };
  const request = (target: string, ask: TestRequest = {}): Promise<TestAnswer> => {
    const { body, headers } = bodyOf(ask);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        { host: '127.0.0.1', port, path: target, method: ask.method ?? 'GET', headers, ca: caPem, servername: 'localhost', agent: false },
        (incoming) => {
          const parts: Buffer[] = [];
          incoming.on('data', (part: Buffer) => parts.push(part));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const text = Buffer.concat(parts).toString('utf8');
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: () => JSON.parse(text) });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  };
  const key = (role: 'viewer' | 'operator' | 'admin'): Promise<string> => {
    let made = keys.get(role);
    if (made === undefined) {
      made = local('/v1/keys', { method: 'POST', body: { name: `test ${role}`, role } }).then((answer) => answer.json().key as string);
      keys.set(role, made);
    }
    return made;
  };
  const addDevice = async (id: string): Promise<string> => {
    const answer = await local('/v1/devices', { method: 'POST', body: { id } });
    if (answer.status >= 300) throw new Error(answer.text);
    const { token } = answer.json();
    tokens.set(id, token);
    return token;
  };
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await observe.close();
    await rm(data, { recursive: true, force: true });
  };

  return {
    get url() {
      return gateway.url;
    },
    port,
    caPem,
    setupCode: gateway.setupCode,
    data,
    observe,
    request,
    local,
    key,
    addDevice,
    admin: async (target, ask = {}) =>
      request(target, { ...ask, headers: { Authorization: `Bearer ${await key('admin')}`, ...ask.headers } }),
    async device(id, options = {}) {
      const token = tokens.get(id) ?? (await addDevice(id));
      return connectSocket({ port, caPem, path: '/v1/device', headers: { Authorization: `Bearer ${token}` }, ...options });
    },
    async live(options = {}) {
      return connectSocket({ port, caPem, path: '/v1/live', headers: { Authorization: `Bearer ${await key('viewer')}` }, ...options });
    },
    async restart() {
      await gateway.stop();
      gateway = await startGateway({ ...whole, http: { ...whole.http, port } }, observe, { readVolume });
    },
    [Symbol.asyncDispose]: stop,
  };
}

function bodyOf({ body, headers = {} }: TestRequest): { body: string | Uint8Array | undefined; headers: Record<string, string> } {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return { body, headers };
  return { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } };
}
